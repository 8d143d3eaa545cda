"""`guru access revoke`: ends rights for a while before their time."""

from __future__ import annotations

import typer

from gurucli.answers_rights import GrantRow
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.access.columns import COLUMNS, RequestId, WhyOption, page
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru access revoke 3f9a2c11d0e4 --reason 'as agreed'", "by the id of `guru access list`"),)


def run(ctx: typer.Context, request: RequestId, reason: WhyOption = "") -> None:
    """End granted rights before their time.

    They are over with the next request.
    """
    cli: Cli = ctx.obj
    done = cli.server.post(GrantRow, f"/access/requests/{part(request)}/revoke", {"reason": reason})
    cli.out.result(record(done, COLUMNS, lambda paper: list(page(done, paper)), name="id"))
