"""`guru approval deny`: say no to an act that waits, or take one's own back; it never runs."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_rights import ApprovalRow
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.approval.columns import COLUMNS, page
from gurucli.parameters import ApprovalRef
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru approval deny 3f9a2c11d0e4 --reason 'as agreed by phone'", "by the id of `guru approval list`"),)


def run(
    ctx: typer.Context,
    approval: ApprovalRef,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for others.")] = "",
) -> None:
    """Say no to what waits, or take your own back.

    It never runs. Whoever asked can ask again.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(ApprovalRow, f"/approvals/{part(approval)}/deny", {"reason": reason})
    cli.out.result(record(done, COLUMNS, lambda paper: list(page(done, paper)), name="id"))
