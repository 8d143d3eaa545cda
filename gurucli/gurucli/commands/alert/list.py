"""`guru alert list`: the alerts, newest first as the server gives them."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, cast

import typer

from gurucli.cli import Cli
from gurucli.commands.alert.columns import COLUMNS
from gurucli.parameters import LimitOption, one_of
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]


STATES = ("firing", "pending", "resolved", "all")
EXAMPLES = (
    ("guru alert list", "what fires now"),
    ("guru alert list --state all", "also what is pending or resolved"),
    ("guru alert list -o json", "for a script"),
)


def run(
    ctx: typer.Context,
    state: Annotated[str, typer.Option(
        "--state", metavar="STATE", help="firing, pending, resolved or all.")] = "firing",
    limit: LimitOption = 0,
) -> None:
    """List the alerts that fire.

    An alert that somebody has taken up, or that a maintenance window mutes, says so in the place of its state.
    """
    cli: Cli = ctx.obj
    one_of("--state", state, STATES)
    pages = cli.server.pages("/alerts", limit=limit, state=state)
    rows = islice((cast("Row", row) for page in pages for row in page["items"]), limit or None)
    empty = "no alert" if state == "all" else f"no alert is {state}"
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty=empty))
