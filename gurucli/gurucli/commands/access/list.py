"""`guru access list`: rights for a while, asked for, granted and over. Nothing is decided."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.access.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru access list", "your own, and those where you have a word"),
    ("guru access list --open", "what waits, and what holds now"),
)


def run(
    ctx: typer.Context,
    open_: Annotated[bool, typer.Option("--open", help="Only what waits, and what holds now.")] = False,
) -> None:
    """List rights that people asked for, or took, for a while."""
    cli: Cli = ctx.obj
    rows = [cast("Row", row) for row in cli.server.get(Page, "/access/requests")["items"]]
    kept = [row for row in rows if not open_ or row.get("state") in ("pending", "granted")]
    cli.out.result(Sheet(kept, COLUMNS, name="id", empty="nobody asked for anything"))
