"""`guru cp`: copies a file from devices to this machine, from here to devices, or between them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, cast

import typer

from guru_policy.errors import Conflict, InputInvalid, UsageWrong
from gurucli.cli import Cli
from gurucli.file_advice import advised
from gurucli.file_copying import bring
from gurucli.file_gathering import Brought, gather, verdict
from gurucli.file_looks import parted
from gurucli.file_putting import Putting, passed_on, put, target_of
from gurucli.ordering import ExpiresOption
from gurucli.out import API_VERSION
from gurucli.parameters import MaxDevicesOption, SelectorOption, YesOption
from gurucli.sheet import Column, Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

COLUMNS = (
    Column("device", keep=True), Column("path", keep=True), Column("file", keep=True), Column("size", right=True),
    Column("sha256"), Column("resumed", wide=True, right=True), Column("reason"),
)
EXAMPLES = (
    ("guru cp web01:/var/log/syslog .", "into this folder, by the same name"),
    ("guru cp web01:/var/backups/db.dump old.dump --replace", "in place of what is there"),
    ("guru cp motd web01:/etc/motd --replace --mode 644", "a file that is here to a device"),
    ("guru cp image.iso -l os=linux :/srv/", "to many devices; asks first"),
    ("guru cp web01:/srv/seed.tar web02:/srv/", "from one to another; -l to many"),
    ("guru cp -l role=web :/var/log/nginx/error.log logs/", "of many devices, into a folder for each"),
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
    """Copy a file from devices, to devices, or between them.

    Of any size up to what the server allows (1 GiB). When it is cut off, the same command goes on where it was. What
    is copied takes its name once all has arrived and has the SHA-256 that was told; until then an old file stays.

    What comes here is readable by you alone. On a device a file that is replaced gives the new one its owner and mode,
    and a new one is root's alone without --mode. It ends with 6 when some devices have it and some have not.
    """
    cli: Cli = ctx.obj
    if selector and source.startswith(":/"):
        _gather(cli, selector, source, target, mode=mode, replace=replace, most=max_devices)
    elif ":/" in target or selector:
        if mode and not re.fullmatch("0?[0-7]{3}", mode):
            raise UsageWrong(f"--mode {mode!r} is no mode", hint="three octal digits, such as 644")
        device, path = target_of(target, selector)
        there = Putting(device, path, mode, replace, selector, expires, yes, max_devices)
        with advised():
            (passed_on if ":/" in source else put)(cli, source, there)
    elif ":/" not in source:
        raise UsageWrong("neither is on a device", hint="guru cp web01:/var/log/syslog .")
    else:
        _here(mode)
        _bring(cli, source, target, replace=replace)


def _here(mode: str) -> None:
    if mode:
        raise UsageWrong("--mode is of a file on a device", hint="leave it out")


def _gather(cli: Cli, selector: str, source: str, target: str, *, mode: str, replace: bool, most: int) -> None:
    _here(mode)
    if ":/" in target:
        raise UsageWrong("the files of many devices are copied to this machine", hint="name a folder that is here")
    if source.endswith(("/", "/.", "/..")):
        raise UsageWrong(f"{source} is a folder", hint="`guru ls` lists it")
    folder = Path(target)
    if not folder.is_dir() and (folder.exists() or not folder.parent.is_dir()):
        raise InputInvalid(f"{folder} is no folder", hint="name one that is here, or that can be made")
    done = gather(cli, selector, source[1:], folder, replace=replace, most=most)
    rows = [_row(one, source[1:]) for one in done]
    cli.out.result(Sheet(rows, COLUMNS, document={"apiVersion": API_VERSION, "items": rows, "total": len(rows)},
                         name="file"))
    error = verdict(done)
    if error is not None:
        raise error


def _row(one: Brought, path: str) -> Row:
    copied, error = one.copied, one.error
    return {
        "device": one.device, "path": path, "file": str(one.file), "size": copied.size if copied else None,
        "sha256": copied.sha256 if copied else "", "resumed": copied.resumed if copied else None,
        "reason": f"{error}; {error.hint}" if error and error.hint else str(error or "")}


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
    with advised():
        done = bring(cli, source, file, replace=replace)
    row = cast("Row", {"device": done.device, "path": done.path, "file": str(file), "size": done.size,
                       "sha256": done.sha256, "resumed": done.resumed, "reason": ""})
    cli.out.result(Sheet([row], COLUMNS, document=row, name="file"))
