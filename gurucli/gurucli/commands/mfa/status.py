"""`guru mfa status`: whether one has a second factor."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from gurucli.answers_people import AccountState
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.paper import Paper
from gurucli.sheet import Column, record

COLUMNS = (Column("name", keep=True), Column("second_factor"), Column("recovery_codes"), Column("required"))
EXAMPLES = (("guru mfa status", "of yourself"),)


def run(ctx: typer.Context) -> None:
    """Show whether you have a second factor, and how many codes are left."""
    cli: Cli = ctx.obj
    state = cli.server.get(AccountState, "/account")
    cli.out.result(record(state, COLUMNS, lambda paper: told(state, paper)))


def told(state: AccountState, paper: Paper) -> Iterator[str]:
    """One line."""
    if state["second_factor"]:
        left = plural(state["recovery_codes"], "recovery code")
        yield paper.paint(paper.marked(f"a second factor is set up, {left} left", "good"), "good")
    else:
        asked = ", and your organisation asks for one" if state["required"] else ""
        yield paper.paint(paper.marked(f"there is no second factor{asked}: guru mfa setup", "warn"), "warn")
