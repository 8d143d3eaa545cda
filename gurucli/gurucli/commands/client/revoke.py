"""`guru client revoke`: ends an OAuth client for good."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.key.columns import COLUMNS
from gurucli.keying import revoke

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru client revoke 3f9a2c", "by the id that `guru client list` shows"),)


def run(
    ctx: typer.Context,
    client: Annotated[str, typer.Argument(metavar="ID", help="The client's id.", show_default=False)],
) -> None:
    """End an OAuth client for good, with every token that it has."""
    cli: Cli = ctx.obj
    revoke(cli, f"/clients/{part(client)}")
