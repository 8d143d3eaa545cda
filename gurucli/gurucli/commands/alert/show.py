"""`guru alert show`: one alert on one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from gurucli.answers_alerting import AlertDetail, AlertMoment, NotificationRow
from gurucli.blocks import heading, indented
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import part
from gurucli.commands.alert.columns import COLUMNS as LISTED
from gurucli.commands.alert.columns import state
from gurucli.human import ago, span, stamp
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, record

AlertRef = Annotated[str, typer.Argument(
    metavar="ALERT", help="Its id, or the first digits of it.", show_default=False)]
COLUMNS = (*LISTED, Column("timeline", wide=True), Column("notes", wide=True))
EXAMPLES = (
    ("guru alert show 5d41402a", "by the first digits of the id that `guru alert list` shows"),
    ("guru alert show 5d41402a -o jsonpath=.timeline[*].event", "what became of it, for a script"),
)


def run(ctx: typer.Context, alert: AlertRef) -> None:
    """Show one alert: what became of it, and who was told when."""
    cli: Cli = ctx.obj
    detail = cli.server.get(AlertDetail, f"/alerts/{part(alert)}")
    cli.out.result(record(detail, COLUMNS, lambda paper: page(detail, paper), name="id"))


def page(alert: AlertDetail, paper: Paper) -> Iterator[str]:
    """The lines of the page."""
    place = f"{clean(alert['customer'])}/{clean(alert['site'])}"
    yield (f"{paper.paint(clean(alert['device_name']), 'title')}  {place}   {paper.draw(state(alert, paper))}   "
           f"{clean(alert['severity'])}")
    yield clean(alert["summary"])
    facts = [f"check {alert['check']} {alert['check_state']}", f"rule {alert['rule']}", f"id {alert['id']}"]
    yield paper.paint(clean(paper.dot.join(facts)), "dim")
    if alert["acked_by"]:
        left = alert["acked_until"]
        until = "until it ends" if left is None else f"for another {span(left / 1000 - paper.now)}"
        said = f": {clean(alert['ack_note'])}" if alert["ack_note"] else ""
        yield f"taken up by {clean(alert['acked_by'])} {until}{said}"
    yield from heading("Timeline", paper)
    yield from indented([_line(one, paper) for one in alert["timeline"]], paper, keep=[True, True, False, False])
    waiting = [one for one in alert["notes"] if one["state"] != "delivered"]
    if waiting:
        yield from heading("Not delivered", paper)
        yield from indented([_note(one, paper) for one in waiting], paper, keep=[True, True, False])


def _line(moment: AlertMoment, paper: Paper) -> list[Cell]:
    return [Cell(stamp(moment["at"]), "dim"), paper.status(clean(moment["event"])),
            Cell(clean(", ".join(moment["who"]))), Cell(clean(moment["text"]))]


def _note(note: NotificationRow, paper: Paper) -> list[Cell]:
    tries = f"{note['attempts']} tries, {ago(note['created_at'], paper.now)} ago"
    error = f": {clean(note['error'])}" if note["error"] else ""
    return [Cell(clean(note["channel"])), paper.status(clean(note["state"])),
            Cell(f"{clean(note['event'])}, {tries}{error}")]
