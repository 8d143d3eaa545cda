"""`guru mfa setup`: an authenticator becomes the second factor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from guru_policy.errors import InputInvalid
from gurucli.answers_people import RecoveryCodes, TotpBegun
from gurucli.asking import ask
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("codes", "RECOVERY CODES", keep=True),)
EXAMPLES = (
    ("guru mfa setup", "shows a secret for your authenticator, and asks for a code of it"),
    ("guru mfa setup --code 123456", "confirms one that was begun, without a question"),
)
TRIES = 3


def run(
    ctx: typer.Context,
    code: Annotated[str, typer.Option("--code", metavar="CODE", help="Of the secret that was shown before.",
                                      show_default=False)] = "",
) -> None:
    """Set a second factor up, or replace the one you have.

    The secret goes into an authenticator application. Recovery codes are printed once: each lets you in a single time
    when the authenticator is lost.
    """
    cli: Cli = ctx.obj
    done = _confirm(cli, code) if code else _begun(cli)

    def told(paper: Paper) -> Iterator[str]:
        yield paper.paint(paper.marked("the second factor is set up", "good"), "good")
        yield "keep these recovery codes; each is good once:"
        yield from (f"  {clean(code)}" for code in done["codes"])

    cli.out.result(record(done, COLUMNS, told, name="codes"))


def _begun(cli: Cli) -> RecoveryCodes:
    begun = cli.server.post(TotpBegun, "/account/totp", {})
    cli.out.say(f"secret for your authenticator: {clean(begun['secret'])}\n  {clean(begun['uri'])}")
    for left in range(TRIES - 1, -1, -1):
        code = ask(cli, "Code that it shows now:")
        try:
            return _confirm(cli, code)
        except InputInvalid:
            if not left:
                raise
            cli.out.say("that is not a code of it; look again")
    raise InputInvalid("no code was right")


def _confirm(cli: Cli, code: str) -> RecoveryCodes:
    return cli.server.post(RecoveryCodes, "/account/totp/confirmation", {"code": code})
