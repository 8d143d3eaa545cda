"""`guru device inventory`: what a device has, table by table, as it last told. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from guru_policy.query.kept import KEPT_BY_NAME
from gurucli.answers_inventory import DeviceInventory
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.parameters import DeviceRef, LimitOption, one_of
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("table", keep=True), Column("rows", right=True), Column("at", "CHANGED", time=True),
    Column("cut", wide=True), Column("stale", wide=True),
)
EXAMPLES = (
    ("guru device inventory web01", "which tables it told of"),
    ("guru device inventory web01 packages --text ssl", "the packages that have ssl in them"),
    ("guru device inventory web01 hardware -o json", "one table, for a program"),
)


def run(
    ctx: typer.Context,
    device: DeviceRef,
    table: Annotated[str, typer.Argument(
        metavar="[TABLE]", help="Such as packages, updates, users, interfaces, hardware.", show_default=False)] = "",
    text: Annotated[str, typer.Option(
        "--text", metavar="TEXT", help="Only rows that hold it.", show_default=False)] = "",
    limit: LimitOption = 0,
) -> None:
    """Show what a device has: software, accounts, hardware.

    Devices look every six hours and after each change of ours; `guru query` asks them now.
    """
    cli: Cli = ctx.obj
    if not table:
        answer = cli.server.get(DeviceInventory, f"/inventory/tables/{part(device)}")
        rows = [cast("Row", one) for one in answer["tables"]]
        cli.out.result(Sheet(rows, COLUMNS, document=answer, name="table", empty="it told of nothing yet"))
        return
    one_of("TABLE", table, tuple(KEPT_BY_NAME))
    kept = KEPT_BY_NAME[table]
    pages = cli.server.pages(f"/inventory/rows/{part(device)}", limit=limit, table=table, text=text)
    found = (cast("Row", row) for page in pages for row in page["items"])
    columns = (*(Column(f"row.{name}", keep=name in kept.key) for name in kept.columns), Column("since", time=True))
    cli.out.result(Sheet(found, columns, name=f"row.{kept.key[0]}", empty=f"it has no {table} that it told of"))
