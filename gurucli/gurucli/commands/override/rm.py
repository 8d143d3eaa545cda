"""`guru override rm`: ends overrides before their time; devices go back to what Git says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, cast
from urllib.parse import urlencode

import typer

from guru_policy.errors import NotFound
from gurucli.answers import DeviceDetail, Page
from gurucli.answers_planning import OverrideRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.override.columns import COLUMNS, full_name
from gurucli.paper import Paper
from gurucli.sheet import Sheet

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ("guru override rm 3f9a2c71d0b4e865", "all that one `guru override set` did, by its id"),
    ("guru override rm web01 checks.disk.warning", "one value of one device"),
)


def run(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(
        metavar="ID|DEVICE", help="The id that `guru override list` shows, or a device.", show_default=False)],
    path: Annotated[str, typer.Argument(
        metavar="PATH", help="With a device: the path of the value.", show_default=False)] = "",
) -> None:
    """End overrides now; devices go back to what Git says."""
    cli: Cli = ctx.obj
    target, query = what, ""
    if path:
        detail = cli.server.get(DeviceDetail, f"/devices/{part(what)}")
        found = [row for row in detail["overrides"] if row["path"] == path]
        if not found:
            there = ", ".join(row["path"] for row in detail["overrides"])
            raise NotFound(f"{what} has no override of {path}",
                           hint=f"it has {there}" if there else "`guru override list` shows what is overridden")
        target, query = found[0]["id"], "?" + urlencode({"device": detail["id"], "path": path})
    done = cli.server.delete(Page, f"/overrides/{part(target)}{query}")
    rows = cast("list[OverrideRow]", done["items"])
    cli.out.result(Sheet(rows, COLUMNS, document=done, name="id", draw=lambda paper: _told(rows, paper)))


def _told(rows: Sequence[OverrideRow], paper: Paper) -> Iterator[str]:
    for row in rows[:10]:
        line = f"{clean(row['path'])} of {full_name(row)} is what Git says again"
        yield paper.paint(paper.marked(line, "good"), "good")
    if len(rows) > 10:
        yield paper.paint(f"and {len(rows) - 10:,} more", "dim")
