"""`guru approval list`: acts that wait for a second person, and what became of them. Nothing is decided."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.approval.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru approval list", "your own, and those where you have a word"),
    ("guru approval list --pending -o name", "the ids of what waits"),
)


def run(
    ctx: typer.Context,
    pending: Annotated[bool, typer.Option("--pending", help="Only what waits.")] = False,
) -> None:
    """List acts that need a second person."""
    cli: Cli = ctx.obj
    rows = [cast("Row", row) for row in cli.server.get(Page, "/approvals", limit=500)["items"]]
    kept = [row for row in rows if not pending or row.get("state") == "pending"]
    cli.out.result(Sheet(kept, COLUMNS, name="id", empty="nothing needs a second person"))
