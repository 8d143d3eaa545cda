"""`guru user unlock`: lets somebody in again."""

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

EXAMPLES = (("guru user unlock ada", "she signs in as before"),)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `guru user list` shows.", show_default=False)],
) -> None:
    """Let somebody in again who was locked."""
    cli: Cli = ctx.obj
    row = cli.server.delete(UserRow, f"/users/{part(name)}/lock")
    cli.out.result(record(row, COLUMNS, lambda paper: [
        paper.paint(paper.marked(f"{clean(row['name'])} may sign in", "good"), "good")]))
