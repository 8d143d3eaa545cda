"""`guru today`: what wants somebody's eye, worst first. It only looks."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from gurucli import triage
from gurucli.answers import DeviceRow, Page, Status
from gurucli.answers_alerting import AlertRow
from gurucli.answers_jobs import JobRow
from gurucli.answers_planning import Drift
from gurucli.cli import Cli
from gurucli.exits import Exit
from gurucli.human import seconds
from gurucli.parameters import SelectorOption
from gurucli.sheet import Column, Row, Sheet

COLUMNS = (
    Column("what", keep=True), Column("severity"), Column("name", keep=True), Column("customer"), Column("site"),
    Column("at", "AGE", time=True), Column("text"), Column("next", wide=True),
)
EXAMPLES = (
    ("guru today", "in the morning"),
    ("guru today -l customer=acme --since 3d", "one customer, after a weekend"),
    ("guru today --exit-code -o json", "in a script: ends with 3 when there is anything"),
)
JOBS, OFFLINE = 200, 2_000              # of the newest jobs, and of devices that are away
SHOWN = 5                               # lines of each kind on a terminal


def run(
    ctx: typer.Context,
    selector: SelectorOption = "",
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Jobs and drift: how far back.")] = "1d",
    show_all: Annotated[bool, typer.Option("--all", help="Every line, not the first few.", show_default=False)] = False,
    exit_code: Annotated[bool, typer.Option(
        "--exit-code", help="End with 3 when there is any.", show_default=False)] = False,
) -> int:
    """Show what wants your eye: alerts, failed jobs, drift, who is away.

    Customers that are held back and overrides in force are among it. What somebody has taken up or a maintenance
    window mutes is left out. With -l only what is about these devices and their customers is shown; jobs, which are
    about many, are left out then.
    """
    cli: Cli = ctx.obj
    back = int((cli.now() - seconds(since)) * 1000)
    status = cli.server.get(Status, "/status")
    alerts = [cast("AlertRow", row) for page in cli.server.pages("/alerts", state="firing") for row in page["items"]]
    jobs = cast("Page[JobRow]", cli.server.get(Page, "/jobs", limit=JOBS))["items"]
    away = 0
    offline: list[DeviceRow] = []
    for page in cli.server.device_pages(selector, state="Unknown", limit=OFFLINE):
        away, offline = page["total"], [*offline, *page["items"]]
    drift = cli.server.get(Drift, "/drift", since=max(0, back))
    rows = triage.lines(triage.Found(status, alerts, jobs, offline, drift), back)
    if selector:
        rows = _chosen(cli, rows, selector)
    totals = {what: sum(row["what"] == what for row in rows) for what in triage.TITLES} | {"offline": away}
    document = {"items": rows, "total": len(rows), "totals": totals, "since": back}
    most = len(rows) if show_all else SHOWN
    cli.out.result(Sheet(cast("list[Row]", rows), COLUMNS, document=document, empty="nothing wants your eye",
                         draw=lambda paper: triage.page(rows, totals, paper, most)))
    return Exit.differences if exit_code and rows else Exit.done


def _chosen(cli: Cli, rows: list[triage.Line], selector: str) -> list[triage.Line]:
    devices = cli.server.devices(selector)
    places = {(one["customer"], one["site"], one["name"]) for one in devices}
    customers = {one["customer"] for one in devices}
    return [row for row in rows if (row["customer"], row["site"], row["name"]) in places
            or (row["what"] == "held" and row["customer"] in customers)]
