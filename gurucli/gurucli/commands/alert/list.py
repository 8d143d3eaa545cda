"""`guru alert list`: the alerts, newest first as the server gives them."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, cast

import typer

from gurucli.cli import Cli
from gurucli.paper import Cell, Paper
from gurucli.parameters import LimitOption, one_of
from gurucli.sheet import Column, Row, Sheet, plain


def _state(row: Row, paper: Paper) -> Cell:
    return paper.status(plain(row.get("state")))


def _place(row: Row, paper: Paper) -> Cell:
    return Cell(f"{plain(row.get('customer'))}/{plain(row.get('site'))}")


COLUMNS = (
    Column("state", show=_state, keep=True), Column("severity"), Column("device_name", "DEVICE", keep=True),
    Column("customer", "PLACE", show=_place), Column("site", wide=True), Column("check"), Column("rule", wide=True),
    Column("started_at", "SINCE", time=True), Column("fired_at", wide=True, time=True),
    Column("resolved_at", wide=True, time=True), Column("check_state", wide=True), Column("summary"),
    Column("id", "ID", wide=True, keep=True), Column("device", "DEVICE ID", wide=True),
)
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
    """List the alerts that fire."""
    cli: Cli = ctx.obj
    one_of("--state", state, STATES)
    pages = cli.server.pages("/alerts", limit=limit, state=state)
    rows = islice((cast("Row", row) for page in pages for row in page["items"]), limit or None)
    empty = "no alert" if state == "all" else f"no alert is {state}"
    cli.out.result(Sheet(rows, COLUMNS, name="id", empty=empty))
