"""`guru session approve`: lets a shell in that has no browser, as oneself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from guru_policy.errors import GuruError, UsageWrong
from gurucli.answers_people import DeviceCodeSeen
from gurucli.asking import agree
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("client", keep=True), Column("address", keep=True), Column("expires_at", "ENDS", time=True),
           Column("admitted"))
EXAMPLES = (
    ("guru session approve BCDF-GHJK", "the code that `guru login --device` shows in your other shell"),
    ("guru session approve BCDF-GHJK --yes", "without a question"),
)


def run(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="As the other shell shows it.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Let a shell in that has no browser: it is signed in as you.

    Never type a code that somebody gave you: it lets their shell in. What is signed in so does not administer.
    """
    cli: Cli = ctx.obj
    seen = cli.server.post(DeviceCodeSeen, "/device-codes/look", {"code": code})
    shell = f"{clean(seen['client']) or 'a shell without a name'} at {clean(seen['address'])}"
    if not yes:
        if not cli.interactive:
            raise UsageWrong(f"this would let {shell} in as you and needs a yes", hint="--yes")
        if not agree(cli, f"Let {shell} in as you?"):
            raise GuruError("nobody was let in: the answer was not yes")
    done = cli.server.post(DeviceCodeSeen, "/device-codes/approval", {"code": code})

    def told(paper: Paper) -> Iterator[str]:
        yield paper.paint(paper.marked(f"{shell} is signed in as you", "good"), "good")
        yield paper.paint("to end that:  guru session list, guru session revoke", "dim")

    cli.out.result(record(done, COLUMNS, told, name="client"))
