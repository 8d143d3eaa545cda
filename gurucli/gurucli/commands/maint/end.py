"""`guru maint end`: closes a window that was opened by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_alerting import MaintenanceRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.maint.columns import COLUMNS
from gurucli.paper import Paper
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru maint end maint-3f9a2c41d07b", "by the id that `guru maint list` shows"),)


def run(
    ctx: typer.Context,
    window: Annotated[str, typer.Argument(metavar="ID", help="The window's id.", show_default=False)],
) -> None:
    """Close a window that was opened by hand, sooner.

    What still fires is told then to whom it concerns.
    """
    cli: Cli = ctx.obj
    closed = cli.server.delete(MaintenanceRow, f"/maintenance/{part(window)}")

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"closed {clean(closed['id'])}", "good"), "good")]

    cli.out.result(record(closed, COLUMNS, told, name="id"))
