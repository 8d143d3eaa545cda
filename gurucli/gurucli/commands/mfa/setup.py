"""`guru mfa setup`: an authenticator becomes the second factor."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from guru_policy.errors import InputInvalid
from gurucli.answers_people import RecoveryCodes, TotpBegun
from gurucli.asking import ask
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("codes", "RECOVERY CODES", keep=True),)
EXAMPLES = (("guru mfa setup", "shows a secret for your authenticator, and asks for a code of it"),)
TRIES = 3


def run(ctx: typer.Context) -> None:
    """Set a second factor up, or replace the one you have.

    The secret goes into an authenticator application. Recovery codes are printed once: each lets you in a single time
    when the authenticator is lost.
    """
    cli: Cli = ctx.obj
    begun = cli.server.post(TotpBegun, "/account/totp", {})
    cli.out.say(f"secret for your authenticator: {clean(begun['secret'])}\n  {clean(begun['uri'])}")
    done = _confirmed(cli)

    def told(paper: Paper) -> Iterator[str]:
        yield paper.paint(paper.marked("the second factor is set up", "good"), "good")
        yield "keep these recovery codes; each is good once:"
        yield from (f"  {clean(code)}" for code in done["codes"])

    cli.out.result(record(done, COLUMNS, told, name="codes"))


def _confirmed(cli: Cli) -> RecoveryCodes:
    for left in range(TRIES - 1, -1, -1):
        code = ask(cli, "Code that it shows now:")
        try:
            return cli.server.post(RecoveryCodes, "/account/totp/confirmation", {"code": code})
        except InputInvalid:
            if not left:
                raise
            cli.out.say("that is not a code of it; look again")
    raise InputInvalid("no code was right")
