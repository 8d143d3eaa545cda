"""How answers to a query are printed, and whom they are missing. Lines only, all clean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guru_policy.errors import DeadlinePassed, GuruError, NotFound, PartlyDone
from guru_policy.query import BY_NAME, TABLES
from guru_policy.text.suggesting import did_you_mean
from gurucli.answers_jobs import RunRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.human import plural
from gurucli.job_verdict import how
from gurucli.out import API_VERSION
from gurucli.query_rows import OWN, Gathered
from gurucli.sheet import Column, Row, Sheet

NAMES = 8                               # devices that are written out
COLUMNS = (Column("device", keep=True), Column("customer", wide=True), Column("site", wide=True))
TABLE_COLUMNS = (
    Column("name", keep=True), Column("about"), Column("platforms", wide=True), Column("narrowed", wide=True),
)
FIELD_COLUMNS = (Column("name", keep=True), Column("type"), Column("about"))


def print_rows(cli: Cli, found: Gathered) -> None:
    """The rows in the format asked for."""
    owned = COLUMNS if found.own else ()
    columns = (*owned, *(Column(name, name.upper()) for name in found.columns))
    document = {
        "apiVersion": API_VERSION, "columns": [*(OWN if found.own else ()), *found.columns], "rows": found.rows,
        "answered": found.answered, "notes": found.notes, "cut": found.cut,
        "missing": [{"device": run["name"], "customer": run["customer"], "site": run["site"], "state": run["state"],
                     "reason": run["reason"]} for run in found.missing],
    }
    first = "device" if found.own else found.columns[0] if found.columns else "name"
    cli.out.result(Sheet(found.rows, columns, document=document, name=first, empty="no device has such a row"))


def stream_rows(cli: Cli) -> Callable[[list[Row]], None]:
    """Prints rows as lines of JSON, as they come."""
    from gurucli.render.documents import ndjson

    def rows(some: list[Row]) -> None:
        cli.out.lines(ndjson(some))
        cli.out.answered = True

    return rows


def print_notes(cli: Cli, found: Gathered) -> None:
    """On stderr, what devices could not see and which of them had more to say."""
    for note, devices in found.notes.items():
        cli.out.say(f"{_names(devices)}: {clean(note)}")
    if found.cut:
        cli.out.say(f"there are more rows than --rows allows on {_names(found.cut)}")


def verdict(found: Gathered) -> GuruError | None:
    """Who did not answer; None when everybody did."""
    if not found.missing:
        return None
    told = f"{plural(len(found.missing), 'device')} did not answer: {_groups(found.missing)}"
    if found.answered:
        return PartlyDone(told)
    if all(run["state"] in ("queued", "sent", "expired", "timed_out") for run in found.missing):
        return DeadlinePassed(told)
    return GuruError(told)


def print_tables(cli: Cli, name: str) -> None:
    """The tables, or the columns of one. NotFound for any other name."""
    if not name:
        rows = [{"name": table.name, "about": table.about, "platforms": list(table.platforms),
                 "narrowed": list(table.narrowed)} for table in TABLES]
        cli.out.result(Sheet(rows, TABLE_COLUMNS))
        return
    table = BY_NAME.get(name)
    if table is None:
        raise NotFound(f"there is no table {clean(name)}", hint=did_you_mean(name, BY_NAME))
    cli.out.result(Sheet([column._asdict() for column in table.columns], FIELD_COLUMNS))


def _groups(missing: Sequence[RunRow]) -> str:
    """`offline: web01, web02; failed: db01`."""
    by_reason: dict[str, list[str]] = {}
    for run in missing:
        word = "offline" if run["state"] in ("queued", "sent") and not run["online"] else how(run)
        by_reason.setdefault(word, []).append(run["name"])
    return "; ".join(f"{word}: {_names(names)}" for word, names in by_reason.items())


def _names(devices: Sequence[str]) -> str:
    shown = ", ".join(clean(name) for name in devices[:NAMES])
    return shown + (f" and {len(devices) - NAMES:,} more" if len(devices) > NAMES else "")
