"""`guru enroll token revoke`: ends a token; devices that joined with it stay."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers import EnrolTokenRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.enroll.columns import COLUMNS
from gurucli.paper import Paper
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru enroll token revoke 3f9a2c", "by the id that `guru enroll token list` shows"),)


def run(
    ctx: typer.Context,
    token: Annotated[str,
                     typer.Argument(metavar="ID", help="The token's id, not its text.", show_default=False)],
) -> None:
    """End a token, so that no more devices join with it.

    Devices that joined already stay; `guru device revoke` cuts one off.
    """
    cli: Cli = ctx.obj
    gone = cli.server.delete(EnrolTokenRow, f"/enrolment-tokens/{part(token)}")

    def told(paper: Paper) -> list[str]:
        return [paper.paint(paper.marked(f"revoked {clean(gone['id'])}", "good"), "good")]

    cli.out.result(record(gone, COLUMNS, told, name="id"))
