"""`guru key list`: API keys without their secrets."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.key.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru key list", "all of them, with their last use"),
    ("guru key list -o name", "their ids"),
)


def run(ctx: typer.Context) -> None:
    """List the API keys."""
    cli: Cli = ctx.obj
    rows = (cast("Row", row) for row in cli.server.get(Page, "/keys")["items"])
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty="no key yet; `guru key create` makes one"))
