"""`guru user invite`: lets somebody set a password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from gurucli.answers_people import Invited
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import ago
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("name", keep=True), Column("invitation", keep=True), Column("expires_at", "ENDS", time=True))
EXAMPLES = (
    ("guru user invite ada", "the code goes to her by another way than this one"),
    ("guru user invite ada -o jsonpath=.invitation", "for a script"),
)


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in Bindings, without user:.", show_default=False)],
) -> None:
    """Invite somebody by a code with which they set a password.

    Who forgot a password or lost a second factor is invited again: with the new password the old second factor is gone.
    """
    cli: Cli = ctx.obj
    made = cli.server.post(Invited, f"/users/{part(name)}/invitation", {})

    def told(paper: Paper) -> Iterator[str]:
        yield f"{clean(made['invitation'])}"
        yield paper.paint(f"for {clean(made['name'])}, once, ends {ago(made['expires_at'], paper.now)}:", "dim")
        yield f"  guru login {cli.context.url} --user {clean(made['name'])} --invitation"

    cli.out.result(record(made, COLUMNS, told))
