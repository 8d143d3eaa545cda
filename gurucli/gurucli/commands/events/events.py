"""`guru events`: what happened, in its order, and with --watch what happens. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, cast

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_events import Event
from gurucli.cli import Cli
from gurucli.human import seconds
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, Sheet, dig, plain
from gurucli.streaming import Stream, Wanted

PREFIX = "dev.gururmm."
STREAMED = ("table", "wide", "tsv", "ndjson", "csv", "name")


def _type(row: Row, paper: Paper) -> Cell:
    return Cell(plain(row["type"]).removeprefix(PREFIX))


def _what(row: Row, paper: Paper) -> Cell:
    said = [plain(dig(row, f"data.{key}")) for key in ("summary", "result", "what", "reason", "revision")]
    return Cell(next(filter(None, said), ""))


def _whose(row: Row, paper: Paper) -> Cell:
    name, place = plain(dig(row, "data.name")), "/".join(filter(None, (plain(row["customer"]), plain(row["site"]))))
    return Cell("/".join(filter(None, (place, name))) or plain(row["subject"]))


COLUMNS = (
    Column("time", keep=True), Column("type", "TYPE", _type, keep=True), Column("subject", "ABOUT", _whose),
    Column("data", "WHAT", _what), Column("data.actor", "WHO"), Column("customer", wide=True),
    Column("site", wide=True), Column("device", wide=True), Column("sequence", wide=True, right=True),
    Column("id", wide=True), Column("source", wide=True), Column("specversion", wide=True),
    Column("datacontenttype", wide=True),
)
EXAMPLES = (
    ("guru events --since 1d --type 'alert.*,device.offline'", "what went wrong since yesterday"),
    ("guru events --watch -o ndjson", "every event from now on as one line of JSON, a CloudEvent"),
    ("guru events --watch -l @acme --after 1042", "go on where a script stopped: its last `sequence`"),
)


def run(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on with what happens, until interrupted.")] = False,
    selector: Annotated[str, typer.Option(
        "-l", "--selector", metavar="SELECTOR", help="Only about devices that match now.", show_default=False)] = "",
    types: Annotated[str, typer.Option(
        "--type", metavar="TYPES", help="Such as alert.fired or device.*, with commas.", show_default=False)] = "",
    since: Annotated[str, typer.Option(
        "--since", metavar="TIME", help="What is younger than this. Without it: 1h, with --watch nothing.",
        show_default=False)] = "",
    after: Annotated[str, typer.Option(
        "--after", metavar="CURSOR", help="What came after the event with this `sequence`.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="End after this many; 0: never.")] = 0,
) -> None:
    """Show what happened, and with --watch what happens.

    Devices, alerts, jobs, commits, approvals, sign-ins, as far as you may see them. With --watch it goes on over a
    server's restart, too, and passes nothing over.
    """
    cli: Cli = ctx.obj
    if after and since:
        raise UsageWrong("--after and --since both say where to begin", hint="give one of them")
    if watch and not limit and cli.out.kind not in STREAMED:
        raise UsageWrong(f"-o {cli.out.kind} has an end, and --watch has none", hint="take -o ndjson, or --limit N")
    stream = Stream(cli.server, _wanted(cli, watch, selector, types, since, after), say=cli.out.note,
                    patience=cli.timeout)
    if not watch or cli.out.kind not in STREAMED:
        rows = islice(stream.followed() if watch else stream.kept(), limit or None)
        cli.out.result(_sheet(cast("Iterator[Row]", rows)))
        return
    for row in islice(stream.followed(), limit or None):
        show(cli, row)


def show(cli: Cli, row: Event) -> None:
    """Print one event as it comes."""
    if cli.out.kind in ("table", "wide") and not cli.options.fields:
        paper = cli.out.paper
        who = plain(dig(row, "data.actor"))
        cells = (Cell(row["time"][11:19], "dim"), _type(row, paper), _whose(row, paper), _what(row, paper),
                 Cell(f"by {who}" if who else "", "dim"))
        cli.out.lines(["  ".join(paper.draw(Cell(plain(cell.text), cell.tone)) for cell in cells if cell.text)])
        cli.out.answered = True
    else:
        cli.out.result(_sheet(iter([cast("Row", row)])))


def _wanted(cli: Cli, watch: bool, selector: str, types: str, since: str, after: str) -> Wanted:
    if after:
        return Wanted(types, selector, after)
    if since or not watch:
        back = seconds(since or "1h")
        return Wanted(types, selector, since=max(0, int((cli.now() - back) * 1000)))
    return Wanted(types, selector, "newest")


def _sheet(rows: Iterator[Row]) -> Sheet:
    return Sheet(rows, COLUMNS, name="sequence", empty="nothing happened that you may see")
