"""`guru status`: what is in force, for whom, and what stands in the way. It only looks."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from gurucli.answers import Status
from gurucli.blocks import fault_lines, heading, indented, short, state_counts
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import ago, plural
from gurucli.names import Names
from gurucli.paper import Cell, Paper, Tone
from gurucli.sheet import Column, Sheet

COLUMNS = (
    Column("customer", keep=True), Column("state"), Column("org_revision", keep=True),
    Column("revision", keep=True),
    Column("devices.UpToDate"), Column("devices.Updating"), Column("devices.OutOfDate"),
    Column("devices.Unknown"),
    Column("reason"), Column("faults", wide=True),
)
EXAMPLES = (
    ("guru status", "the whole page"),
    ("guru status -o name", "the customers"),
    ("guru status -o jsonpath=.customers[?(@.state=='Held')].customer", "who is held back"),
)
_GOOD = ("Ready", "SourceVerified")     # conditions that are well when true; the others when false


def run(ctx: typer.Context) -> None:
    """Show what is in force, what is held back and why.

    A customer whose files are at fault is held at the last good revision; the others go on.
    """
    cli: Cli = ctx.obj
    status = cli.server.get(Status, "/status")
    cli.out.result(Sheet(status["customers"], COLUMNS, document=status, name="customer",
                         draw=lambda paper: page(status, paper)))
    names = (customer["customer"] for customer in status["customers"])
    Names(cli.environment.cache).add(cli.context.url, "customer", names)


def page(status: Status, paper: Paper) -> Iterator[str]:
    """The lines for a terminal."""
    fetched = f"fetched {ago(status['last_fetch_at'], paper.now)} ago" if status["last_fetch_at"] else "not fetched yet"
    yield (f"{paper.paint(short(status['attempted_revision']), 'title')}  {clean(status['branch'])}"
           f"{paper.dot}{clean(status['remote'])}{paper.dot}{fetched}")
    if status["last_fetch_error"]:
        yield paper.paint(paper.marked(clean(status["last_fetch_error"]), "bad"), "bad")
    firing = status["alerts_firing"]
    alerts: Cell = Cell(paper.marked(f"{plural(firing, 'alert')} firing", "bad"), "bad") if firing else Cell(
        "no alerts", "dim")
    counts = [state_counts(status["devices"], paper), paper.draw(alerts)]
    if refusing := status["refusing"]:
        words = f"{plural(refusing, 'device')} refused a manifest"
        counts.append(paper.draw(Cell(paper.marked(words, "bad"), "bad")))
    yield "   ".join(counts)
    yield from _conditions(status, paper)
    yield from _customers(status, paper)
    yield from _revisions(status, paper)


def _conditions(status: Status, paper: Paper) -> Iterator[str]:
    rows = []
    for condition in status["conditions"]:
        well = condition["status"] == (condition["type"] in _GOOD)
        if well and condition["type"] not in _GOOD:
            continue                    # nothing is held, nothing is stalled: no news
        tone: Tone = "good" if well else "warn"
        rows.append([Cell(paper.marked(clean(condition["type"]), tone), tone),
                     Cell(clean(condition["reason"])),
                     Cell(ago(condition["since"], paper.now), "dim"), Cell(clean(condition["message"]))])
    if rows:
        yield from heading("Conditions", paper)
        yield from indented(rows, paper, keep=[True, True, True, False])


def _customers(status: Status, paper: Paper) -> Iterator[str]:
    if status["customers"]:
        yield from heading("Customers", paper)
    rows = [[Cell(clean(one["customer"])), paper.status(clean(one["state"])), Cell(_pair(one["org_revision"],
             one["revision"])),
             Cell(", ".join(f"{n:,} {clean(s)}" for s, n in one["devices"].items()) or "no devices")]
            for one in status["customers"]]
    lines = indented(rows, paper, keep=[True, True, True, False])
    for one, line in zip(status["customers"], lines, strict=True):
        yield line
        if one["reason"] and not one["faults"]:
            yield f"      {paper.paint(clean(one['reason']), 'warn')}"
        yield from fault_lines(one["faults"], paper, by=6, most=3)


def _pair(org: str | None, own: str | None) -> str:
    return short(own) if org == own else f"{short(own)} (org {short(org)})"


def _revisions(status: Status, paper: Paper) -> Iterator[str]:
    newest = status["revisions"][:5]
    if newest:
        yield from heading("Newest commits", paper)
        rows = [[Cell(short(one["revision"]), "accent"), paper.status(clean(one["outcome"])),
                 Cell(ago(one["seen_at"], paper.now), "dim"), Cell(clean(one["author"])),
                 Cell(clean(one["subject"]))]
                for one in newest]
        yield from indented(rows, paper, keep=[True, True, True, False, False])
        refused = newest[0]
        if refused["outcome"] == "refused":
            yield from fault_lines(refused["faults"], paper, by=4, most=5)
