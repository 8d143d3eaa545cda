"""`guru access deny`: says no to a request for rights, or takes one's own back."""

from __future__ import annotations

import typer

from gurucli.answers_rights import GrantRow
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.access.columns import COLUMNS, RequestId, WhyOption, page
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru access deny 3f9a2c11d0e4 --reason 'as agreed'", "by the id of `guru access list`"),)


def run(ctx: typer.Context, request: RequestId, reason: WhyOption = "") -> None:
    """Say no to a request, or take your own back.

    A request that nobody decides ends after four hours.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(GrantRow, f"/access/requests/{part(request)}/deny", {"reason": reason})
    cli.out.result(record(done, COLUMNS, lambda paper: list(page(done, paper)), name="id"))
