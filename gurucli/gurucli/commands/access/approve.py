"""`guru access approve`: grants rights for a while that somebody else asked for."""

from __future__ import annotations

import typer

from gurucli.answers_rights import GrantRow
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.access.columns import COLUMNS, RequestId, WhyOption, page
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru access approve 3f9a2c11d0e4 --reason 'as agreed'", "by the id of `guru access list`"),)


def run(ctx: typer.Context, request: RequestId, reason: WhyOption = "") -> None:
    """Grant what somebody else asked for.

    It takes approval.give there and everything that is granted: nobody gives what they have not.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(GrantRow, f"/access/requests/{part(request)}/approve", {"reason": reason})
    cli.out.result(record(done, COLUMNS, lambda paper: list(page(done, paper)), name="id"))
