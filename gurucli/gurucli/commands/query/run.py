"""`guru query`: SQL over the tables of one device or of all, live or as the server keeps it. It only looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from guru_policy.errors import UsageWrong
from gurucli.answers_jobs import JobMade
from gurucli.cli import Cli
from gurucli.given import text_in
from gurucli.human import seconds
from gurucli.ordering import whole
from gurucli.parameters import SelectorOption
from gurucli.query_naming import print_object
from gurucli.query_rows import Gathered, gather
from gurucli.query_saved import kept, print_history, print_saved, sql_of
from gurucli.query_sql import check, reduced, snapshot
from gurucli.query_telling import COLUMNS, print_notes, print_rows, print_tables, stream_rows, verdict

__all__ = ["COLUMNS", "EXAMPLES", "run"]

EXAMPLES = (
    ('guru query "select name, pid, rss from processes where rss > 1e9 order by rss desc" -l site=hq', "of a site"),
    ('guru query "select name, version from packages where name like \'openssl%\'" web01', "of one device"),
    ('guru query "select version from kernel" --reduce "select version, count(*) as n from rows group by 1"', "totals"),
    ("guru query --saved admins", "what devices last told of a query that Git names, at once"),
    ("guru query --saved admins --history web01", "what came and went of it on one device"),
    ('guru query "select username from users" --saved people --every 10m >> org/queries.yaml', "for Git"),
    ("guru query --tables", "what there is to ask"),
)
ALL = "name=*"
MAX_SQL = 64 << 10                      # bytes


def run(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(
        metavar="SQL", help="One SELECT as SQLite speaks it; `-` reads standard input.", show_default=False)] = "",
    device: Annotated[str, typer.Argument(
        metavar="[DEVICE]", help="A name, customer/site/name, or an id; else all devices.", show_default=False)] = "",
    selector: SelectorOption = "",
    within: Annotated[str, typer.Option(
        "--timeout", metavar="TIME", help="A device that takes longer is left out.")] = "30s",
    rows: Annotated[int, typer.Option(
        "--rows", metavar="N", min=1, max=100_000, help="At most so many of one device.")] = 10_000,
    reduce: Annotated[str, typer.Option(
        "--reduce", metavar="SQL", help="Ask the table `rows` of all answers.", show_default=False)] = "",
    save: Annotated[Path | None, typer.Option(
        "--snapshot", metavar="FILE", help="Write the answers into a new SQLite file.", show_default=False)] = None,
    tables: Annotated[bool, typer.Option(
        "--tables", help="List the tables, or what is in the one named in SQL's place.", show_default=False)] = False,
    saved: Annotated[str, typer.Option(
        "--saved", metavar="NAME", help="A query that Git names: the answers that are kept; no device is asked.",
        show_default=False)] = "",
    live: Annotated[bool, typer.Option("--live", help="Ask the devices the saved query now.")] = False,
    every: Annotated[str, typer.Option(
        "--every", metavar="TIME", help="Print SQL as the Query NAME for Git: devices then ask it so often.",
        show_default=False)] = "",
    past: Annotated[bool, typer.Option("--history", help="What came and went of the saved query's answers.")] = False,
    known: Annotated[bool, typer.Option("--list", help="List the queries that Git names.")] = False,
) -> None:
    """Ask devices in SQL, live.

    Every device answers from its own tables: processes, services, packages, files and more. Devices that are away or
    fail are named on stderr, and the command ends with 6. With --saved NAME nobody is asked: the server
    shows what devices last told of a query that Git names, and a device stands in the place of SQL.
    """
    cli: Cli = ctx.obj
    if tables:
        return print_tables(cli, sql)
    if known:
        return print_saved(cli)
    if _named(cli, _Ask(sql, selector, saved, live), rows, past=past, every=every):
        return None
    if saved:
        sql, device = (sql_of(cli, saved) if live else ""), sql
    if device and selector:
        raise UsageWrong("a device and a selector were given", hint="give one of them")
    stream = cli.out.kind == "ndjson" and not reduce and not (saved and not live)
    if saved and not live:
        text, found = f"saved: {saved}", kept(cli, saved, device, selector)
    else:
        text = _text(sql)
        found = _asked(cli, text, device, selector, within, rows, stream)
    if save is not None:
        snapshot(save, text, found)
        cli.out.say(f"{save}: {len(found.rows):,} rows of {found.answered:,} devices")
    return _told(cli, found, reduce, stream=stream)


def _told(cli: Cli, found: Gathered, reduce: str, *, stream: bool) -> None:
    if not stream:
        print_rows(cli, reduced(found, reduce) if reduce else found)
    print_notes(cli, found)
    error = verdict(found)
    if error is not None:
        raise error


class _Ask(NamedTuple):
    """What was given of a query that has a name."""

    sql: str
    selector: str
    saved: str
    live: bool


def _named(cli: Cli, ask: _Ask, rows: int, *, past: bool, every: str) -> bool:
    """Whether what was wanted is the history, or the object for Git, which is then printed."""
    if (ask.live or past or every) and not ask.saved:
        raise UsageWrong("--live, --history and --every are about a saved query", hint="name it: --saved NAME")
    if every:
        print_object(cli, ask.saved, _text(ask.sql), every, ask.selector)
    elif past:
        print_history(cli, ask.saved, ask.sql, ask.selector, rows)
    return bool(every or past)


def _text(sql: str) -> str:
    if not sql:
        raise UsageWrong("there is no query", hint='guru query "select name, pid from processes" -l site=hq')
    text = text_in("-", MAX_SQL) if sql == "-" else sql
    check(text)
    return text


def _asked(cli: Cli, text: str, device: str, selector: str, within: str, rows: int, stream: bool) -> Gathered:
    made = cli.server.post(JobMade, "/jobs", {
        "device": device, "selector": "" if device else selector or ALL, "max_devices": 1_000_000,
        "expires": whole("--timeout", within),
        "query": {"sql": text, "limits": {"rows": rows, "seconds": seconds(within)}},
    })
    return gather(cli, made["job"], made["next"], stream_rows(cli) if stream else lambda rows: None)
