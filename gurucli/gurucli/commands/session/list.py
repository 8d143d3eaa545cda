"""`guru session list`: where one is signed in."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.session.sessions import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru session list", "your own"),
    ("guru session list --of '*'", "everybody's; takes user.manage"),
)


def run(
    ctx: typer.Context,
    user: Annotated[str, typer.Option("--of", metavar="NAME", help="Somebody else's, or '*' for everybody's.",
                                      show_default=False)] = "",
) -> None:
    """List sign-ins that go on, with their clients."""
    cli: Cli = ctx.obj
    page = cli.server.get(Page, "/sessions", user=user)
    cli.out.result(Sheet([cast("Row", row) for row in page["items"]], COLUMNS, name="id", empty="no session goes on"))
