"""`guru listen`: posts what happens to a program on this machine, as a webhook would. It sends nothing elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from guru_policy.errors import InputInvalid, UsageWrong
from gurucli.answers_events import Event
from gurucli.cli import Cli
from gurucli.forwarding import Answered, Forward, read, written
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, Sheet, plain
from gurucli.streaming import Stream, Wanted

PREFIX = "dev.gururmm."
MOST_SECRET = 4096
STREAMED = ("table", "wide", "tsv", "ndjson", "csv", "name")


def _status(row: Row, paper: Paper) -> Cell:
    status = row.get("status")
    good = isinstance(status, int) and 200 <= status < 300
    return Cell(paper.marked(plain(status) or "no answer", "good" if good else "bad"), "good" if good else "bad")


COLUMNS = (
    Column("time", keep=True), Column("type", keep=True), Column("status", "STATUS", _status, right=True),
    Column("ms", right=True), Column("error"), Column("subject"), Column("id", wide=True),
    Column("sequence", wide=True, right=True),
)
EXAMPLES = (
    ("guru listen --forward http://localhost:3000/hook", "everything from now on, signed"),
    ("guru listen --forward http://localhost:3000/hook --type 'alert.*' --since 1h", "the last hour's alerts, too"),
)


def run(
    ctx: typer.Context,
    forward: Annotated[str, typer.Option(
        "--forward", metavar="URL", help="Where to post each event: http on this machine.", show_default=False)],
    types: Annotated[str, typer.Option(
        "--type", metavar="TYPES", help="Such as alert.fired or device.*, with commas.", show_default=False)] = "",
    selector: Annotated[str, typer.Option(
        "-l", "--selector", metavar="SELECTOR", help="Only about devices that match now.", show_default=False)] = "",
    since: Annotated[str, typer.Option(
        "--since", metavar="TIME", help="Begin with what is younger than this.", show_default=False)] = "",
    secret_file: Annotated[str, typer.Option(
        "--secret-file", metavar="FILE", help="The secret to sign with; a new one, shown, without it.",
        show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="End after this many; 0: never.")] = 0,
) -> None:
    """Post what happens to a program on this machine.

    It is for whoever writes a receiver. Each event is posted once, with a signature after Standard Webhooks as the
    server makes it, and shown with the answer.
    """
    from gurucli.human import seconds

    cli: Cli = ctx.obj
    whole = cli.out.kind not in STREAMED
    if whole and not limit:
        raise UsageWrong(f"-o {cli.out.kind} has an end, and this has none", hint="take -o ndjson, or --limit N")
    secret = _secret(secret_file) if secret_file else os.urandom(24)
    target = Forward(forward, secret)
    start = max(0, int((cli.now() - seconds(since)) * 1000)) if since else None
    wanted = Wanted(types, selector, "" if since else "newest", start)
    stream = Stream(cli.server, wanted, say=cli.out.note, patience=cli.timeout)
    if not secret_file:
        cli.out.say(f"the receiver's secret, for this time only: {written(secret)}")
    rows = (_row(event, target.post(event)) for event in islice(stream.followed(), limit or None))
    if whole:
        cli.out.result(Sheet(rows, COLUMNS, name="id"))
        return
    for row in rows:
        _show(cli, row)


def _row(event: Event, answered: Answered) -> Row:
    return {
        "time": event["time"], "type": event["type"].removeprefix(PREFIX), **answered._asdict(),
        "subject": event["subject"], "id": event["id"], "sequence": event["sequence"],
    }


def _show(cli: Cli, row: Row) -> None:
    if cli.out.kind in ("table", "wide") and not cli.options.fields:
        cli.out.lines(_line(row, cli.out.paper))
        cli.out.answered = True
    else:
        cli.out.result(Sheet(iter([row]), COLUMNS, name="id"))


def _line(row: Row, paper: Paper) -> Iterator[str]:
    status = _status(row, paper)
    said = f" {plain(row['error'])}" if row["error"] else ""
    yield f"{plain(row['time'])[11:19]}  {paper.draw(status)}  {plain(row['type'])}  {plain(row['ms'])} ms{said}"


def _secret(path: str) -> bytes:
    try:
        with open(path, encoding="utf-8") as file:          # noqa: PTH123 - one read with a bound
            text = file.read(MOST_SECRET).strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise InputInvalid(f"{path} cannot be read", hint="a file with the secret alone") from cause
    if not text:
        raise InputInvalid(f"{path} is empty", hint="a file with the secret alone")
    return read(text)
