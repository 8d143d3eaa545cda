"""`guru approval approve`: agree to an act that waits; it runs at once, as whoever asked."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_rights import ApprovalRow
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.approval.columns import COLUMNS, page
from gurucli.exits import Exit
from gurucli.parameters import ApprovalRef
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru approval approve 3f9a2c11d0e4 --reason 'as agreed by phone'", "by the id of `guru approval list`"),)


def run(
    ctx: typer.Context,
    approval: ApprovalRef,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for others.")] = "",
) -> int:
    """Agree to what somebody else asked for: it runs at once.

    It runs as whoever asked, by what they may do now. You need approval.give and the verb itself, on every device.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(ApprovalRow, f"/approvals/{part(approval)}/approve", {"reason": reason})
    cli.out.result(record(done, COLUMNS, lambda paper: list(page(done, paper)), name="id"))
    return Exit.done if done["state"] == "approved" else Exit.refused
