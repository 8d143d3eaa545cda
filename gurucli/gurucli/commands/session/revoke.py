"""`guru session revoke`: ends sign-ins."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_people import SessionSeen, SessionsEnded
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import plural
from gurucli.sheet import Column, record

COLUMNS = (Column("ended", keep=True), Column("id", "SESSION"), Column("name"))
EXAMPLES = (
    ("guru session revoke 5d41402abc4b2a76b9719d911017c592", "one, by the id that `guru session list` shows"),
    ("guru session revoke --all", "all of yours but this one"),
    ("guru session revoke --all --of ada", "a colleague's laptop was stolen; takes user.manage"),
)


def run(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(metavar="[SESSION]", help="Its id.", show_default=False)] = "",
    every: Annotated[bool, typer.Option("--all", help="All of them.", show_default=False)] = False,
    user: Annotated[str, typer.Option("--of", metavar="NAME", help="With --all: somebody else's.",
                                      show_default=False)] = "",
) -> None:
    """End a sign-in, or all of them.

    What was stolen with a laptop is worth nothing from then on. The one you are using stays, unless you name it.
    """
    cli: Cli = ctx.obj
    if bool(session) == every or (user and not every):
        raise UsageWrong("name one session, or give --all", hint="`guru session list` shows their ids")
    if every:
        path = f"/sessions?user={part(user)}" if user else "/sessions"
        ended = cli.server.delete(SessionsEnded, path)["ended"]
        document: dict[str, object] = {"ended": ended, "id": "", "name": user}
        said = f"{plural(ended, 'session')} ended"
    else:
        gone = cli.server.delete(SessionSeen, f"/sessions/{part(session)}")
        document = {"ended": 1, "id": gone["id"], "name": gone["name"]}
        said = f"session {clean(gone['id'])} of {clean(gone['name'])} ended"
    cli.out.result(record(document, COLUMNS, lambda paper: [paper.paint(paper.marked(said, "good"), "good")],
                          name="id"))
