"""`guru key revoke`: ends an API key for good."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.key.columns import COLUMNS
from gurucli.keying import revoke

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru key revoke 3f9a2c", "by the id that `guru key list` shows"),)


def run(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, not its text.", show_default=False)],
) -> None:
    """End an API key for good."""
    cli: Cli = ctx.obj
    revoke(cli, f"/keys/{part(key)}")
