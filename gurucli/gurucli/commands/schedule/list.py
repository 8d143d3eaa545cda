"""`guru schedule list`: the schedules in force. It only looks."""

from __future__ import annotations

from typing import cast

import typer

from gurucli.answers import Page
from gurucli.answers_schedules import ScheduleRow
from gurucli.cli import Cli
from gurucli.human import span
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, Sheet


def _jitter(row: Row, paper: Paper) -> Cell:
    value = row.get("jitter")
    return Cell(span(value) if isinstance(value, int) and value else "-")


COLUMNS = (
    Column("name", keep=True), Column("scope"), Column("cron", keep=True), Column("timezone"),
    Column("jitter", show=_jitter), Column("missed"), Column("template"), Column("selector"),
    Column("revision", wide=True),
)
EXAMPLES = (
    ("guru schedule list", "what runs by itself, and when"),
    ("guru schedule list -o json", "the same for a program"),
)


def run(ctx: typer.Context) -> None:
    """List the schedules in force.

    Those of one device stand in what it should be: guru explain DEVICE schedules.NAME.
    """
    cli: Cli = ctx.obj
    rows = [cast("Row", row) for row in cast("Page[ScheduleRow]", cli.server.get(Page, "/schedules"))["items"]]
    cli.out.result(Sheet(rows, COLUMNS, empty="no schedule is in force"))
