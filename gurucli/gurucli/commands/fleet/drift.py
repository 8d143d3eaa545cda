"""`guru drift`: where devices differed without anybody having wanted it. It only looks."""

from __future__ import annotations

from typing import Annotated, TypeVar

import typer

from gurucli.answers_planning import Drift, DriftRow, OverrideRow
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.human import plural, seconds
from gurucli.parameters import SelectorOption
from gurucli.plan_overrides import told
from gurucli.sheet import Column, Sheet

RowT = TypeVar("RowT", DriftRow, OverrideRow)
COLUMNS = (
    Column("name", keep=True), Column("customer"), Column("site"), Column("resource", keep=True), Column("kind"),
    Column("change"), Column("outcome"), Column("open"), Column("at", "AGE", time=True), Column("times", right=True),
    Column("steps", wide=True), Column("message", wide=True), Column("device", wide=True),
)
EXAMPLES = (
    ("guru drift", "the last day"),
    ("guru drift -l customer=acme --since 7d", "a customer's last week"),
    ("guru drift --open --exit-code", "at night in CI: ends with 3 when something still differs"),
)


def run(
    ctx: typer.Context,
    selector: SelectorOption = "",
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back.")] = "1d",
    still: Annotated[bool, typer.Option(
        "--open", help="Only what still differs.", show_default=False)] = False,
    exit_code: Annotated[bool, typer.Option(
        "--exit-code", help="End with 3 when there is any.", show_default=False)] = False,
) -> int:
    """Show where devices differed from what they should be.

    corrective: the agent put it right, or failed to; suppressed: it is only observed. What still differs by a
    device's newest run is open, and comes first, however old it is. A change that a commit asked for is none, nor
    is an override: how many are in force is said beside it.
    """
    cli: Cli = ctx.obj
    back = seconds(since)
    answer = cli.server.get(Drift, "/drift", since=max(0, int((cli.now() - back) * 1000)))
    rows = _chosen(cli, answer["items"], selector)
    if still:
        rows = [row for row in rows if row["open"]]
    overridden = _chosen(cli, answer["overrides"], selector)
    document = {"items": rows, "total": len(rows), "since": answer["since"], "overrides": overridden}
    cli.out.result(Sheet(rows, COLUMNS, document=document, empty="nothing differed"))
    if answer["total"] > len(answer["items"]):
        left = answer["total"] - len(answer["items"])
        cli.out.note(f"{plural(left, 'row')} more are not shown: ask for less with --since")
    if overridden:
        cli.out.note(f"{told(len(overridden))}, as somebody wants it: `guru override list`")
    return Exit.differences if exit_code and rows else Exit.done


def _chosen(cli: Cli, rows: list[RowT], selector: str) -> list[RowT]:
    if not selector or not rows:
        return rows
    chosen = {device["id"] for device in cli.server.devices(selector)}
    return [row for row in rows if row["device"] in chosen]
