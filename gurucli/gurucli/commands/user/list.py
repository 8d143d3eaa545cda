"""`guru user list`: who may sign in."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.user.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru user list", "those whom the repository names, and those with an account"),
    ("guru user list -o jsonpath=.items[?(@.second_factor==false)].name", "who has no second factor"),
)


def run(ctx: typer.Context) -> None:
    """List who may sign in, with groups and sessions."""
    cli: Cli = ctx.obj
    rows = [cast("Row", row) for row in cli.server.get(Page, "/users")["items"]]
    cli.out.result(Sheet(rows, COLUMNS, empty="nobody yet; `guru user invite NAME` invites somebody"))
