"""`guru maint start`: opens a window over the alerts of some devices. It changes no device, and ends by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_alerting import MaintenanceStarted
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import plural, seconds, span
from gurucli.paper import Paper
from gurucli.parameters import SelectorOption
from gurucli.sheet import Column, Sheet

LONGEST = 7 * 86_400
COLUMNS = (
    Column("row.id", "ID", keep=True), Column("devices", right=True), Column("row.selector"),
    Column("row.ends_at", "CLOSES", time=True), Column("row.reason"),
)
EXAMPLES = (
    ("guru maint start -l @acme/hq --duration 2h --reason 'new switch'", "a site, for two hours"),
    ("guru maint start -l name=web01 --duration 30m --reason reboot -o name", "its id, for `guru maint end`"),
)


def run(
    ctx: typer.Context,
    duration: Annotated[str, typer.Option(
        "--duration", metavar="TIME", help="How long, from 1m to 7d; it closes by itself.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for others.", show_default=False)],
    selector: SelectorOption = "",
) -> None:
    """Have nobody told of the alerts of some devices for a while.

    Alerts fire as ever. What still fires when the window closes is told then. Windows that are known beforehand belong
    in the repository: kind MaintenanceWindow.
    """
    cli: Cli = ctx.obj
    if not selector.strip():
        raise UsageWrong("no device is named", hint="say which: -l name=web01, -l @acme/hq")
    if not reason.strip():
        raise UsageWrong("no reason is given", hint="others will ask: --reason 'new switch'")
    lasting = int(seconds(duration))
    if not 60 <= lasting <= LONGEST:
        raise UsageWrong(f"--duration {duration} is not between 1m and 7d")
    started = cli.server.post(MaintenanceStarted, "/maintenance", {
        "selector": selector, "seconds": lasting, "reason": reason})
    name = clean(started["row"]["id"])

    def told(paper: Paper) -> list[str]:
        left = span(started["row"]["ends_at"] / 1000 - paper.now)
        head = paper.paint(paper.marked(f"{name} is open", "good"), "good")
        return [f"{head} for {left} over {plural(started['devices'], 'device')}",
                paper.paint(f"to close it sooner: guru maint end {name}", "dim")]

    cli.out.result(Sheet([started], COLUMNS, document=started, draw=told, name="row.id"))
