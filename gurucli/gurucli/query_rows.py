"""Follows a query and puts the answers of its devices together. It prints nothing but progress."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from guru_policy.errors import InputInvalid
from gurucli.answers_jobs import JobDetail, JobRow, OutputRow, RunRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.following import ENDED, Listener, follow
from gurucli.human import plural
from gurucli.progress import Progress
from gurucli.sheet import Row

OWN = ("device", "customer", "site")    # columns that say whose a row is


@dataclass
class Gathered:
    """All that devices answered. `rows` hold OWN and the query's columns; `missing` are runs without an answer."""

    columns: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)       # sentence to names of devices
    missing: list[RunRow] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)                    # devices that had more rows than allowed
    answered: int = 0
    job: JobRow | None = None
    own: bool = True                    # whether rows say whose they are


def gather(cli: Cli, job: JobRow, after: int, hear: Callable[[list[Row]], None] = lambda rows: None) -> Gathered:
    """Wait for the devices that are there. `hear` is given each device's rows as soon as it has answered."""
    found = Gathered(job=job)
    texts: dict[str, list[str]] = defaultdict(list)
    progress = Progress(cli.out, moving=cli.out.side.glyphs)

    def piece(row: OutputRow, text: str) -> None:
        if row["stream"] == "out":
            texts[row["device"]].append(text)

    def ended(run: RunRow) -> None:
        if run["state"] == "succeeded":
            before = len(found.rows)
            found.answered += 1
            _add(found, run, "".join(texts.pop(run["device"], ())))
            hear(found.rows[before:])

    def counts(now: JobRow) -> None:
        over = sum(now["counts"].get(state, 0) for state in ENDED)
        if now["total"] > 1:
            progress.show(over / now["total"], f"{over:,} of {plural(now['total'], 'device')} done")

    try:
        done = follow(cli.server, job, after, Listener(run=ended, counts=counts, piece=piece))
    finally:
        progress.done()
    found.job = done.job
    found.missing = sorted((run for run in done.runs.values() if run["state"] != "succeeded"), key=_place)
    if len(done.runs) < done.job["total"]:          # devices that are away have no news
        detail = cli.server.get(JobDetail, f"/jobs/{job['id']}")
        found.missing = sorted((run for run in detail["runs"] if run["state"] != "succeeded"), key=_place)
    found.rows.sort(key=lambda row: [str(row[name]) for name in ("customer", "site", "device")])
    return found


def _place(run: RunRow) -> tuple[str, str, str]:
    return run["customer"], run["site"], run["name"]


def _add(found: Gathered, run: RunRow, text: str) -> None:
    """The parts of one device's answer. What is no part is left out: a device can print anything."""
    mine = {"device": run["name"], "customer": run["customer"], "site": run["site"]}
    names: list[str] = []
    for line in text.splitlines():
        part = _part(line)
        if part.get("t") == "columns":
            names = [clean(str(name)) for name in _list(part.get("columns"))]
            own_names(names)
            found.columns += [name for name in names if name not in found.columns]
        elif part.get("t") == "rows":
            for row in _list(part.get("rows")):
                values = _list(row)
                if names and len(values) == len(names):
                    found.rows.append({**mine, **dict(zip(names, map(_cell, values), strict=True))})
        elif part.get("t") == "end":
            for note in _list(part.get("notes")):
                found.notes.setdefault(str(note), []).append(run["name"])
            if part.get("cut"):
                found.cut.append(run["name"])


def own_names(names: list[str]) -> None:
    """InputInvalid for a column that is called as one of OWN."""
    taken = next((name for name in names if name in OWN), None)
    if taken is not None:
        raise InputInvalid(f"the column {taken} says whose a row is already", hint="name yours otherwise: ... as other")


def _part(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _cell(value: object) -> object:
    return value if isinstance(value, str | int | float) or value is None else json.dumps(value)
