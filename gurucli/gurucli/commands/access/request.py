"""`guru access request`: asks for a verb or a role for a while; somebody else has to grant it."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_rights import GrantRow
from gurucli.cli import Cli
from gurucli.commands.access.columns import COLUMNS, page
from gurucli.human import seconds
from gurucli.parameters import SelectorOption
from gurucli.sheet import record

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru access request --verb device.label --scope customers/acme --for 30m --reason 'new rack'", "one verb"),
    ("guru access request --role technician -l op/role=server --for 2h --reason INC-7", "a role, on servers"),
)


def run(
    ctx: typer.Context,
    lasting: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, from 1m to 7d.",
                                         show_default=False)],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for others.", show_default=False)],
    verb: Annotated[str, typer.Option("--verb", metavar="VERB", help="Such as device.label.",
                                      show_default=False)] = "",
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="A Role of the repository.",
                                      show_default=False)] = "",
    scope: Annotated[str, typer.Option("--scope", metavar="SCOPE", help="Where.")] = "org",
    selector: SelectorOption = "",
) -> None:
    """Ask for rights for a while.

    They hold from when somebody else grants them, and end by themselves.
    """
    cli: Cli = ctx.obj
    if bool(verb) == bool(role):
        raise UsageWrong("ask for a verb or for a role", hint="--verb device.label, or --role technician")
    made = cli.server.post(GrantRow, "/access/requests", {
        "verb": verb, "role": role, "scope": scope, "selector": selector, "seconds": int(seconds(lasting)),
        "reason": reason})
    cli.out.result(record(made, COLUMNS, lambda paper: list(page(made, paper)), name="id"))
