"""`guru webhook test`: sends a webhook an event of its own, and waits for the answer."""

from __future__ import annotations

from typing import Annotated

import typer

from gurucli.cli import Cli
from gurucli.commands.webhook.columns import DELIVERIES as COLUMNS
from gurucli.hook_sending import sent

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (("guru webhook test psa", "whether its receiver takes what it is sent"),)


def run(
    ctx: typer.Context,
    hook: Annotated[str, typer.Argument(
        metavar="HOOK", help="Its name, or org/NAME where several have it.", show_default=False)],
) -> None:
    """Send a webhook a test, and wait for the answer.

    One that was disabled goes on with what happens next when it takes this.
    """
    cli: Cli = ctx.obj
    sent(cli, "/hooks/test", {"hook": hook})
