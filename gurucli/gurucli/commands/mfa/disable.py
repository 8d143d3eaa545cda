"""`guru mfa disable`: takes the second factor away."""

from __future__ import annotations

import typer

from gurucli.answers_people import AccountState
from gurucli.asking import ask
from gurucli.cli import Cli
from gurucli.commands.mfa.status import COLUMNS
from gurucli.parameters import CodeOption
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru mfa disable", "takes a code of it"),)


def run(
    ctx: typer.Context,
    code: CodeOption = "",
) -> None:
    """Take your second factor away."""
    cli: Cli = ctx.obj
    body = {"code": code or ask(cli, "Code of your second factor:")}
    state = cli.server.post(AccountState, "/account/totp/removal", body)
    cli.out.result(record(state, COLUMNS, lambda paper: [
        paper.paint(paper.marked("there is no second factor any more", "warn"), "warn")]))
