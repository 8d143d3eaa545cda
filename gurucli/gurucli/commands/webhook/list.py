"""`guru webhook list`: the Webhooks in force and how they go."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.webhook.columns import HOOKS as COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru webhook list", "which take what they are sent, and which are disabled"),
    ("guru webhook list -o jsonpath=.items[*].state", "their states alone"),
)


def run(ctx: typer.Context) -> None:
    """List the webhooks in force, and how they go."""
    cli: Cli = ctx.obj
    rows = (cast("Row", row) for row in cli.server.get(Page, "/hooks")["items"])
    cli.out.result(Sheet(rows, COLUMNS, name="hook", empty="no Webhook is in force; one is a file in the repository"))
