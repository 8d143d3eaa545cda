"""`guru maint list`: windows opened by hand, the newest first."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.cli import Cli
from gurucli.commands.maint.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru maint list", "what is open now"),
    ("guru maint list --all", "also what is closed"),
)


def run(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that are closed.", show_default=False)] = False,
) -> None:
    """List the windows that people opened by hand."""
    cli: Cli = ctx.obj
    pages = cli.server.pages("/maintenance", closed="true" if every else "false")
    rows = (cast("Row", row) for page in pages for row in page["items"])
    empty = "no window was opened by hand" if every else "no window is open"
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty=empty))
