"""`guru find`: devices by anything that is known of them. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.cli import Cli
from gurucli.commands.device.columns import full_name
from gurucli.parameters import LimitOption
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("name", "DEVICE", keep=True), Column("customer"), Column("site"), Column("field", "IN"),
    Column("value", keep=True), Column("id", "ID", wide=True),
)
EXAMPLES = (
    ("guru find k.ruiz", "the computer of somebody who is, or was, logged in"),
    ("guru find 52:54:00", "by a MAC address, or the beginning of one"),
    ("guru find 10.0.4. -o name", "everything in a network, as names"),
)


def run(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(
        metavar="TEXT", help="Two letters at least; small and capital ones are one.", show_default=False)],
    limit: LimitOption = 0,
) -> None:
    """Find devices by name, address, MAC, serial or who is there.

    A device comes up once for each field in which the text stands.
    """
    cli: Cli = ctx.obj
    pages = cli.server.pages("/find", limit=limit, text=text)
    rows = (cast("Row", row) for page in pages for row in page["items"])
    cli.out.result(Sheet(rows, COLUMNS, name=full_name, empty=f"nothing that is known of a device holds {text}"))
