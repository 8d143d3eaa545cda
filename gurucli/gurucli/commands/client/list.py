"""`guru client list`: OAuth clients without their secrets."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.key.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru client list", "all of them, with their last use"),
    ("guru client list -o name", "their ids"),
)


def run(ctx: typer.Context) -> None:
    """List the OAuth clients."""
    cli: Cli = ctx.obj
    rows = (cast("Row", row) for row in cli.server.get(Page, "/clients")["items"])
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty="no client yet; `guru client create` makes one"))
