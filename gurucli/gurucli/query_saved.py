"""The queries that Git names: which there are, the answers that the server keeps of them, what came and went."""

from __future__ import annotations

import json
from typing import cast

from guru_policy.errors import Conflict, NotFound
from guru_policy.text.suggesting import did_you_mean
from gurucli.answers import Page
from gurucli.answers_standing import KeptAnswer, QueryChange, QueryHolder, SavedQuery
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.commands.device.columns import full_name
from gurucli.human import plural, span
from gurucli.paper import Cell, Paper
from gurucli.query_rows import Gathered, own_names
from gurucli.sheet import Column, Row, Sheet

MOST = 1_000                            # changes of one answer
DEVICES = 1_000                         # of one answer


def _every(row: Row, paper: Paper) -> Cell:
    value = row.get("every")
    return Cell(span(value) if isinstance(value, int) else "-")


def _row(row: Row, paper: Paper) -> Cell:
    value = row.get("row")
    return Cell(clean(", ".join(f"{name}={one}" for name, one in value.items())) if isinstance(value, dict) else "")


LIST_COLUMNS = (
    Column("name", keep=True), Column("scope"), Column("every", show=_every), Column("results"), Column("selector"),
    Column("sql"), Column("revision", wide=True),
)
HISTORY_COLUMNS = (
    Column("at", time=True), Column("change"), Column("name", "DEVICE", keep=True), Column("row", show=_row),
    Column("customer", wide=True), Column("site", wide=True), Column("id", "ID", wide=True),
)


def print_saved(cli: Cli) -> None:
    """The queries in force."""
    cli.out.result(Sheet([cast("Row", one) for one in _saved(cli)], LIST_COLUMNS, empty="no query is in force"))


def sql_of(cli: Cli, name: str) -> str:
    """The SQL of a query in force. NotFound, or Conflict when customers have different ones of that name."""
    known = _saved(cli)
    found = {one["sql"] for one in known if one["name"] == name}
    if not found:
        hint = did_you_mean(name, [one["name"] for one in known]) or "`guru query --list` shows those in force"
        raise NotFound(f"no query {clean(name)} is in force", hint=hint)
    if len(found) > 1:
        raise Conflict(f"there are different queries named {clean(name)}", hint="ask in SQL, or leave out --live")
    return found.pop()


def print_history(cli: Cli, name: str, device: str, selector: str, rows: int) -> None:
    """What came and went, the newest first."""
    page = cast("Page[QueryChange]", cli.server.get(
        Page, "/queries/changes", name=name, device=device, selector=selector, limit=min(rows, MOST)))
    found = [cast("Row", one) for one in page["items"]]
    cli.out.result(Sheet(found, HISTORY_COLUMNS, name=full_name, empty="nothing came or went"))


def kept(cli: Cli, name: str, device: str, selector: str) -> Gathered:
    """The answers that the server keeps, put together as those of a live query."""
    found, cursor, told = Gathered(), "", 0
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = cli.server.get(
            KeptAnswer, "/queries/rows", name=name, device=device, selector=selector, limit=DEVICES, **more)
        _add(found, page)
        told += len(page["devices"])
        cursor = page["next"] or ""
        if not cursor:
            break
    found.answered = told
    cli.out.say(f"as {plural(told, 'device')} told; --live asks now" if told else "no device has told its answer yet")
    return found


def _saved(cli: Cli) -> list[SavedQuery]:
    return cast("Page[SavedQuery]", cli.server.get(Page, "/queries"))["items"]


def _add(found: Gathered, page: KeptAnswer) -> None:
    names = [clean(name) for name in page["columns"]]
    own_names(names)
    found.columns += [name for name in names if name not in found.columns]
    devices = {one["id"]: one for one in page["devices"]}
    for row in page["rows"]:
        holder = devices.get(row["device"])
        if holder is not None and len(row["values"]) == len(names):
            mine = {"device": holder["name"], "customer": holder["customer"], "site": holder["site"]}
            values = (one if isinstance(one, str | int | float) or one is None else json.dumps(one)
                      for one in row["values"])
            found.rows.append({**mine, **dict(zip(names, values, strict=True))})
    for holder in page["devices"]:
        for note in _notes(holder):
            found.notes.setdefault(note, []).append(holder["name"])


def _notes(holder: QueryHolder) -> list[str]:
    """What there is to say of a device's answer."""
    notes = [f"no newer answer: {holder['problem']}"] if holder["problem"] else []
    if holder["old"]:
        notes.append("this is the answer to the query as it was before")
    if holder["stale"]:
        notes.append("a part was lost on the way: it tells all of it when it links anew")
    return [*notes, "it has more rows than it tells"] if holder["cut"] else notes
