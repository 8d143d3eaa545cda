"""`guru schedule runs`: how the newest runs of schedules went. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli.answers import Page
from gurucli.answers_schedules import ScheduledRun
from gurucli.cli import Cli
from gurucli.commands.device.columns import full_name
from gurucli.paper import Cell, Paper
from gurucli.parameters import SelectorOption
from gurucli.sheet import Column, Row, Sheet, plain

NEWEST, MOST = 50, 200


def _state(row: Row, paper: Paper) -> Cell:
    return paper.status(plain(row.get("state")))


def _short(row: Row, paper: Paper) -> Cell:
    return Cell(plain(row.get("run"))[:8])


COLUMNS = (
    Column("run", show=_short), Column("due", time=True),
    Column("name", "DEVICE", keep=True), Column("schedule", keep=True),
    Column("state", show=_state), Column("exit_code", "EXIT", right=True), Column("reason"),
    Column("customer", wide=True), Column("site", wide=True), Column("template", wide=True),
    Column("started_at", "STARTED", wide=True, time=True), Column("duration", wide=True, right=True),
    Column("printed", wide=True, right=True), Column("out", wide=True), Column("err", wide=True),
    Column("id", "ID", wide=True),
)
EXAMPLES = (
    ("guru schedule runs", "the newest of all devices"),
    ("guru schedule runs nightly -l customer=acme --full -o json", "one schedule of one customer, with all it printed"),
)


def run(
    ctx: typer.Context,
    schedule: Annotated[str, typer.Argument(
        metavar="[NAME]", help="Only runs of this schedule.", show_default=False)] = "",
    selector: SelectorOption = "",
    full: Annotated[bool, typer.Option("--full", help="All that is kept of what they printed.")] = False,
    limit: Annotated[int, typer.Option(
        "--limit", metavar="N", min=1, max=MOST, help="At most this many rows.")] = NEWEST,
) -> None:
    """Show how the newest runs of schedules went.

    Devices run them by themselves, also with no server in reach, and tell of it when there is one. A run that was
    missed is told as expired.
    """
    cli: Cli = ctx.obj
    page = cast("Page[ScheduledRun]", cli.server.get(
        Page, "/schedules/runs", limit=limit, schedule=schedule, selector=selector, full="true" if full else "false"))
    rows = [cast("Row", row) for row in page["items"]]
    cli.out.result(Sheet(rows, COLUMNS, name=full_name, empty="no device told of a run"))
