"""`guru export`: what is in force, as a fleet repository. It asks the server, and writes where it was told only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.blocks import short
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.human import plural
from gurucli.paper import Cell
from gurucli.sheet import Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gurucli.exporting import Exported

COLUMNS = (
    Column("path", keep=True), Column("size", right=True),
    Column("revision", show=lambda row, paper: Cell(short(row.get("revision")))),
    Column("blob", wide=True), Column("executable", wide=True),
)
EXAMPLES = (
    ("guru export", "what there is, without writing anything"),
    ("guru export -d fleet", "a folder to make a Git repository of"),
    ("guru export --out fleet.tar", "one file, for a backup or another machine"),
)


def run(
    ctx: typer.Context,
    folder: Annotated[str, typer.Option("-d", "--dir", metavar="DIR", help="Write the files into this folder.",
                                        show_default=False)] = "",
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Write one tar file.", show_default=False)] = "",
    force: Annotated[bool, typer.Option(
        "--force", help="Write over files that are there.", show_default=False)] = False,
) -> int:
    """Write what is in force as a fleet repository.

    Each customer's files come from the revision that is in force for it, all other files from the newest one.
    The devices, with place, technicians' labels and facts, are written to .guru/inventory.json. Ends with 6 when
    a customer's state cannot be told in one repository; its name is told then.
    """
    cli: Cli = ctx.obj
    from gurucli.exporting import exported

    if folder and out:
        raise UsageWrong("an export goes into a folder or into a file, and not into both")
    if folder and not force:
        from gurucli.export_places import refuse_filled

        refuse_filled(Path(folder))
    found = exported(cli.server)
    if folder or out:
        _write(cli, found, folder, out, force)
    rows: list[Mapping[str, object]] = [{**file} for file in found.files]
    document = {
        "base": found.base, "state": found.state, "customers": found.customers, "left_out": found.left_out,
        "items": rows, "total": len(rows),
    }
    cli.out.result(Sheet(rows, COLUMNS, document=document, name="path"))
    return _end(cli, found, folder or out)


def _write(cli: Cli, found: Exported, folder: str, out: str, force: bool) -> None:
    from gurucli.export_places import Wanted, folder_place, put_all, tar_place
    from gurucli.exporting import INVENTORY, contents, inventory

    files = [file for file in found.files if file["path"] != INVENTORY]     # that of another time
    wanted = [Wanted(file["path"], file["blob"], file["executable"]) for file in files]
    more = {INVENTORY: inventory(cli.server)}
    coming = contents(cli.server, found.state, files)
    if folder:
        with folder_place(Path(folder)) as place:
            put_all(place, wanted, coming, more)
    else:
        with tar_place(Path(out), force=force) as archive:
            put_all(archive, wanted, coming, more)


def _end(cli: Cli, found: Exported, place: str) -> int:
    for one in found.customers:
        if one["note"]:
            cli.out.say(f"{one['customer']}: {one['note']}")
    for left in found.left_out:
        cli.out.say(f"{left['path']} is not in it: {left['reason']}")
    said = f"{plural(len(found.files), 'file')} of {found.base[:12]}"
    cli.out.note(f"{said} in {place}" if place else f"{said}; nothing was written: -d DIR or --out FILE")
    return Exit.done if found.whole else Exit.partial
