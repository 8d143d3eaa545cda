"""`guru password`: sets another password."""

from __future__ import annotations

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_people import SessionsEnded
from gurucli.asking import ask_secret
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.sheet import Column, record

COLUMNS = (Column("ended", "SESSIONS ENDED", keep=True),)
EXAMPLES = (("guru password", "asks for the old one and twice for the new one, without echo"),)


def run(ctx: typer.Context) -> None:
    """Set another password; your other sessions end."""
    cli: Cli = ctx.obj
    old, new = ask_secret(cli, "Password until now:"), ask_secret(cli, "New password:")
    if new != ask_secret(cli, "Once more:"):
        raise UsageWrong("the two are not the same", hint="nothing was changed; try again")
    done = cli.server.post(SessionsEnded, "/account/password", {"old": old, "new": new})
    said = f"the password is another one; {plural(done['ended'], 'other session')} ended"
    cli.out.result(record(done, COLUMNS, lambda paper: [paper.paint(paper.marked(said, "good"), "good")], name="ended"))
