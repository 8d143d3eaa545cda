"""`guru webhook redeliver`: sends an event once more, with the same webhook-id."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.webhook.columns import DELIVERIES as COLUMNS
from gurucli.hook_sending import sent

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru webhook redeliver ID", "the id that `guru webhook deliveries` shows"),)


def run(
    ctx: typer.Context,
    delivery: Annotated[str, typer.Argument(metavar="ID", help="The delivery's id.", show_default=False)],
) -> None:
    """Send an event once more, and wait for the answer."""
    cli: Cli = ctx.obj
    sent(cli, f"/hooks/deliveries/{part(delivery)}/redelivery", {})
