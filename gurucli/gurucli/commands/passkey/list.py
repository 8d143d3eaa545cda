"""`guru passkey list`: one's own passkeys."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.passkey.columns import COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru passkey list", "which you have, and when each was used"),
    ("guru passkey list -o name", "their ids"),
)


def run(ctx: typer.Context) -> None:
    """List your passkeys."""
    cli: Cli = ctx.obj
    rows = (cast("Row", row) for row in cli.server.get(Page, "/account/passkeys")["items"])
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty="no passkey yet; `guru passkey add` makes one"))
