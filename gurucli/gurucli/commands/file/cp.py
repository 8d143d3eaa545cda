"""`guru cp`: copies a file of a device to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from guru_policy.errors import Conflict, InputInvalid, UsageWrong
from gurucli.cli import Cli
from gurucli.file_copying import bring
from gurucli.file_looks import parted
from gurucli.sheet import Column, Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

COLUMNS = (
    Column("device", keep=True), Column("path", keep=True), Column("file", keep=True), Column("size", right=True),
    Column("sha256"), Column("resumed", wide=True, right=True),
)
EXAMPLES = (
    ("guru cp web01:/var/log/syslog .", "into this folder, by the same name"),
    ("guru cp web01:/var/backups/db.dump old.dump --replace", "in place of what is there"),
)


def run(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(
        metavar="DEVICE:PATH", help="A device, a colon, and a path from its root.", show_default=False)],
    target: Annotated[str, typer.Argument(
        metavar="FILE", help="A file or a folder of this machine.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Replace FILE if there is one.")] = False,
) -> None:
    """Copy a file of a device to this machine.

    Up to 32 MiB. It takes its name once all has arrived and has the SHA-256 that the device told. When it is cut off,
    the same command goes on where it was. It is readable by you alone. Nothing is copied to a device.
    """
    cli: Cli = ctx.obj
    if ":/" not in source:
        raise UsageWrong("a file is copied from a device, and not to one", hint="guru cp web01:/var/log/syslog .")
    if ":/" in target:
        raise UsageWrong("a file is copied to this machine, and not to a device", hint="guru cp web01:/etc/hosts .")
    _, path = parted(source)
    file = Path(target)
    if file.is_dir():
        name = path.rsplit("/", 1)[-1]
        if name in ("", ".", ".."):
            raise UsageWrong(f"{path} is a folder", hint="`guru ls` lists it")
        file /= name
    elif not file.parent.is_dir():
        raise InputInvalid(f"there is no folder {file.parent}", hint="make it first")
    if file.is_dir():
        raise Conflict(f"{file} is a folder", hint="name another file")
    if not replace and (file.exists() or file.is_symlink()):
        raise Conflict(f"{file} is there already", hint="--replace replaces it")
    done = bring(cli, source, file)
    row = cast("Row", {"device": done.device, "path": done.path, "file": str(file), "size": done.size,
                       "sha256": done.sha256, "resumed": done.resumed})
    cli.out.result(Sheet([row], COLUMNS, document=row, name="file"))
