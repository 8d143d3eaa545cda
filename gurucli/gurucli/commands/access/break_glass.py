"""`guru access break-glass`: takes the role for emergencies, at once and aloud; somebody else reviews it."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_rights import GrantRow
from gurucli.cli import Cli
from gurucli.commands.access.columns import COLUMNS, page
from gurucli.human import seconds
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru access break-glass --for 15m --reason 'all of acme is down'", "the one role kept for that"),)


def run(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for others.", show_default=False)],
    lasting: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, from 1m to 4h.")] = "15m",
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="Which, when there are several.",
                                      show_default=False)] = "",
) -> None:
    """Take the role that the repository keeps for emergencies.

    It takes access.break_glass, holds at once and ends by itself. The audit log and `guru access list` tell of it,
    and somebody else has to review it.
    """
    cli: Cli = ctx.obj
    made = cli.server.post(GrantRow, "/access/break-glass", {
        "role": role, "seconds": int(seconds(lasting)), "reason": reason})
    cli.out.result(record(made, COLUMNS, lambda paper: list(page(made, paper)), name="id"))
