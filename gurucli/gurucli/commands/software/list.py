"""`guru software list`: which software there is, in which versions, on how many devices. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.cli import Cli
from gurucli.parameters import LimitOption, SelectorOption
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("name", keep=True), Column("version", keep=True), Column("devices", right=True), Column("manager"),
)
EXAMPLES = (
    ("guru software list openssl", "every version of what has openssl in its name"),
    ("guru software list -l customer=acme -o csv > acme.csv", "what one customer has, for a spreadsheet"),
)


def run(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(
        metavar="[TEXT]", help="Only packages that have this in their name.", show_default=False)] = "",
    selector: SelectorOption = "",
    limit: LimitOption = 0,
) -> None:
    """List the software of the fleet, with versions.

    Devices look every six hours and after each change of ours; `guru query` asks them now.
    """
    cli: Cli = ctx.obj
    pages = cli.server.pages("/inventory/software", limit=limit, text=text, selector=selector)
    rows = (cast("Row", row) for page in pages for row in page["items"])
    cli.out.result(Sheet(rows, COLUMNS, empty="no device has that, or none told yet"))
