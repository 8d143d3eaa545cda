"""`guru mfa recovery`: fresh recovery codes."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.answers_people import RecoveryCodes
from gurucli.asking import ask
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.commands.mfa.setup import COLUMNS
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru mfa recovery", "the codes of before are worth nothing then"),)


def run(
    ctx: typer.Context,
    code: Annotated[str, typer.Option("--code", metavar="CODE", help="Of your authenticator.",
                                      show_default=False)] = "",
) -> None:
    """Make fresh recovery codes in the place of those of before."""
    cli: Cli = ctx.obj
    body = {"code": code or ask(cli, "Code of your second factor:")}
    done = cli.server.post(RecoveryCodes, "/account/recovery-codes", body)
    cli.out.result(record(done, COLUMNS, lambda paper: [clean(one) for one in done["codes"]], name="codes"))
