"""`guru override list`: what differs from Git because somebody wants it, and until when. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.cli import Cli
from gurucli.commands.override.columns import COLUMNS
from gurucli.parameters import LimitOption, SelectorOption
from gurucli.sheet import Row, Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru override list", "those in force"),
    ("guru override list -l customer=acme", "those of one customer"),
    ("guru override list --expired", "those that ended, the newest first"),
)


def run(
    ctx: typer.Context,
    selector: SelectorOption = "",
    expired: Annotated[bool, typer.Option(
        "--expired", help="Those that are over instead: expired, removed or replaced.", show_default=False)] = False,
    limit: LimitOption = 0,
) -> None:
    """List the overrides in force, with who set them and when they end.

    One that a later commit does not fit any more stays in the list as such; its device goes without it.
    """
    cli: Cli = ctx.obj
    pages = cli.server.pages("/overrides", limit=limit, selector=selector, ended="true" if expired else "")
    rows = (cast("Row", row) for page in pages for row in page["items"])
    empty = "no override ended lately" if expired else "nothing is overridden"
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty=empty))
