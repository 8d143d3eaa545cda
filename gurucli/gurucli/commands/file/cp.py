"""`guru cp`: copies a file of a device to this machine, or one that is here to devices."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, cast

import typer

from guru_policy.errors import Conflict, InputInvalid, UsageWrong
from gurucli.cli import Cli
from gurucli.file_copying import bring
from gurucli.file_looks import parted
from gurucli.file_putting import put, target_of
from gurucli.ordering import ExpiresOption
from gurucli.parameters import MaxDevicesOption, SelectorOption, YesOption
from gurucli.sheet import Column, Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

COLUMNS = (
    Column("device", keep=True), Column("path", keep=True), Column("file", keep=True), Column("size", right=True),
    Column("sha256"), Column("resumed", wide=True, right=True),
)
EXAMPLES = (
    ("guru cp web01:/var/log/syslog .", "into this folder, by the same name"),
    ("guru cp web01:/var/backups/db.dump old.dump --replace", "in place of what is there"),
    ("guru cp motd web01:/etc/motd --replace --mode 644", "a file that is here to a device"),
    ("guru cp motd -l role=web :/etc/motd --replace", "to many devices; asks first"),
)


def run(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(
        metavar="SOURCE", help="DEVICE:PATH, or a file of this machine.", show_default=False)],
    target: Annotated[str, typer.Argument(
        metavar="TARGET", help="A file or folder of this machine, or DEVICE:PATH; with -l :PATH.",
        show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Replace TARGET if there is one.")] = False,
    mode: Annotated[str, typer.Option(
        "--mode", metavar="MODE", help="Of a file on a device, such as 644.", show_default=False)] = "",
    selector: SelectorOption = "",
    expires: ExpiresOption = "60s",
    yes: YesOption = False,
    max_devices: MaxDevicesOption = 0,
) -> None:
    """Copy a file from a device, or to devices.

    From a device up to 32 MiB: it takes its name once all has arrived and has the SHA-256 that the device told. When
    it is cut off, the same command goes on where it was. It is readable by you alone.

    To devices up to 256 KiB: a file that is replaced stays until the new one is whole, and gives it owner and mode. A
    new one is root's alone without --mode. It ends with 6 when some have it and some have not.
    """
    cli: Cli = ctx.obj
    if ":/" in source and (":/" in target or selector):
        raise UsageWrong("a file is copied from a device or to one, and not between two", hint="copy it here first")
    if ":/" in target or selector:
        if mode and not re.fullmatch("0?[0-7]{3}", mode):
            raise UsageWrong(f"--mode {mode!r} is no mode", hint="three octal digits, such as 644")
        device, path = target_of(target, selector)
        put(cli, source, device, path, mode=mode, replace=replace, selector=selector, expires=expires, yes=yes,
            most=max_devices)
        return
    if ":/" not in source:
        raise UsageWrong("neither is on a device", hint="guru cp web01:/var/log/syslog .")
    if mode:
        raise UsageWrong("--mode is of a file on a device", hint="leave it out")
    _bring(cli, source, target, replace=replace)


def _bring(cli: Cli, source: str, target: str, *, replace: bool) -> None:
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
    done = bring(cli, source, file, replace=replace)
    row = cast("Row", {"device": done.device, "path": done.path, "file": str(file), "size": done.size,
                       "sha256": done.sha256, "resumed": done.resumed})
    cli.out.result(Sheet([row], COLUMNS, document=row, name="file"))
