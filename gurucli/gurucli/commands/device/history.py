"""`guru device history`: what came, went and changed on a device. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from guru_policy.query.kept import KEPT_BY_NAME
from gurucli.answers_inventory import ChangedRow
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.human import seconds
from gurucli.paper import Cell, Paper, Tone
from gurucli.parameters import DeviceRef, LimitOption, one_of
from gurucli.sheet import Column, Row, Sheet, plain

_TONES: dict[str, Tone] = {"added": "good", "removed": "bad", "changed": "warn"}


def _change(row: Row, paper: Paper) -> Cell:
    word = plain(row.get("change"))
    return Cell(word, _TONES.get(word, "dim"))


def _what(row: Row, paper: Paper) -> Cell:
    """The fields that differ; of something new or gone, those that tell most."""
    one = cast("ChangedRow", row)
    kept = KEPT_BY_NAME.get(one["table"])
    before, after = one["before"] or {}, one["after"] or {}
    rest = [name for name in kept.columns if name not in kept.key] if kept else sorted({*before, *after})
    if before and after:
        told = [f"{name} {plain(before.get(name)) or '-'} {paper.arrow} {plain(after.get(name)) or '-'}"
                for name in rest if before.get(name) != after.get(name)]
    else:
        told = [f"{name} {plain((after or before)[name])}" for name in rest if name in (after or before)][:2]
    return Cell(", ".join(told))


COLUMNS = (
    Column("at", "WHEN", time=True), Column("table"), Column("change", show=_change), Column("name", keep=True),
    Column("after", "WHAT", show=_what), Column("before", wide=True),
)
EXAMPLES = (
    ("guru device history web01", "everything, the newest first"),
    ("guru device history web01 --table packages --since 7d", "what was installed and removed in a week"),
)


def run(
    ctx: typer.Context,
    device: DeviceRef,
    table: Annotated[str, typer.Option(
        "--table", metavar="TABLE", help="Only one table, such as packages.", show_default=False)] = "",
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back.")] = "30d",
    limit: LimitOption = 100,
) -> None:
    """Show what came, went and changed on a device.

    What was there when the device first told is no change.
    """
    cli: Cli = ctx.obj
    if table:
        one_of("--table", table, tuple(KEPT_BY_NAME))
    begin = max(0, int((cli.now() - seconds(since)) * 1000))
    pages = cli.server.pages(f"/inventory/changes/{part(device)}", limit=limit, table=table, since=begin)
    rows = (cast("Row", row) for page in pages for row in page["items"])
    cli.out.result(Sheet(rows, COLUMNS, empty="nothing changed that it told of"))
