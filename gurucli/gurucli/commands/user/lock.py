"""`guru user lock`: shuts somebody out, now."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_people import UserRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.user.columns import COLUMNS
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru user lock ada --reason 'left the company'", "all sessions of hers end with it"),)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `guru user list` shows.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; they are told.", show_default=False)],
) -> None:
    """Shut somebody out: their sessions end with the next request."""
    cli: Cli = ctx.obj
    row = cli.server.post(UserRow, f"/users/{part(name)}/lock", {"reason": reason})
    cli.out.result(record(row, COLUMNS, lambda paper: [
        paper.paint(paper.marked(f"{clean(row['name'])} is locked", "warn"), "warn")]))
