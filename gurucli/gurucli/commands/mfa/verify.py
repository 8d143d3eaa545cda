"""`guru mfa verify`: shows the second factor again."""

from __future__ import annotations

import typer

from gurucli.answers_people import AccountState
from gurucli.asking import ask
from gurucli.cli import Cli
from gurucli.commands.mfa.status import COLUMNS
from gurucli.parameters import CodeOption
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru mfa verify", "before what asks for a fresh second factor"),)


def run(
    ctx: typer.Context,
    code: CodeOption = "",
) -> None:
    """Show your second factor again, for what asks for a fresh one."""
    cli: Cli = ctx.obj
    body = {"code": code or ask(cli, "Code of your second factor:")}
    state = cli.server.post(AccountState, "/account/step-up", body)
    cli.out.result(record(state, COLUMNS, lambda paper: [
        paper.paint(paper.marked("the second factor counts as fresh now", "good"), "good")]))
