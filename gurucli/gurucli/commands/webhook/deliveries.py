"""`guru webhook deliveries`: what webhooks were sent, and how each try went."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers import Page
from gurucli.cli import Cli
from gurucli.commands.webhook.columns import DELIVERIES as COLUMNS
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

STATES = ("waiting", "delivered", "failed")
EXAMPLES = (
    ("guru webhook deliveries", "the newest, of every webhook"),
    ("guru webhook deliveries org/psa --state failed", "what one never took"),
)


def run(
    ctx: typer.Context,
    hook: Annotated[str, typer.Argument(
        metavar="[HOOK]", help="Its whole name: org/NAME or customers/CUSTOMER/NAME.", show_default=False)] = "",
    state: Annotated[str, typer.Option(
        "--state", metavar="STATE", help="waiting, delivered or failed.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="At most this many.")] = 100,
) -> None:
    """List what webhooks were sent, the newest first."""
    cli: Cli = ctx.obj
    if state and state not in STATES:
        raise UsageWrong(f"no delivery is {state!r}", hint=f"the states are {', '.join(STATES)}")
    found = cli.server.get(Page, "/hooks/deliveries", hook=hook, state=state, limit=limit)
    rows = (cast("Row", row) for row in found["items"])
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty="nothing of that kind was sent"))
