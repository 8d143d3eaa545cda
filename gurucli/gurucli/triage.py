"""What wants somebody's eye now, worst first, made of the server's answers. It asks nobody and prints nothing.

Every line says what, where, since when and the command that goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypedDict

from gurucli.answers import DeviceRow, Status
from gurucli.answers_alerting import AlertRow
from gurucli.answers_jobs import JobRow
from gurucli.answers_planning import Drift
from gurucli.blocks import heading, indented
from gurucli.clean import clean
from gurucli.human import ago, plural
from gurucli.paper import Cell, Paper, Tone

What = Literal["alert", "break-glass", "held", "tampered", "refusing", "job", "offline", "drift", "override"]
TITLES: dict[What, tuple[str, str]] = {
    "break-glass": ("role for emergencies", "roles for emergencies"), "alert": ("alert fires", "alerts fire"),
    "held": ("customer is held back", "customers are held back"),
    "tampered": ("report of altered agents", "reports of altered agents"),
    "refusing": ("device refuses its manifest", "devices refuse their manifest"),
    "job": ("job did not go well", "jobs did not go well"), "offline": ("device is offline", "devices are offline"),
    "drift": ("resource differs", "resources differ"), "override": ("override is in force", "overrides are in force"),
}
TONES: dict[What, Tone] = {
    "alert": "bad", "break-glass": "bad", "held": "bad", "tampered": "bad", "refusing": "bad", "job": "warn",
    "offline": "warn", "drift": "warn", "override": "busy",
}
BAD_RUNS = ("failed", "timed_out", "lost", "expired")
_RANKS = {"critical": 0, "high": 1, "medium": 2, "low": 3}


class Line(TypedDict):
    """One thing. `at` is since when in ms UTC; `next` is the command that shows more."""

    what: What
    severity: str
    name: str
    customer: str
    site: str
    text: str
    at: int | None
    next: str


class Found(NamedTuple):
    """All that the server was asked for."""

    status: Status
    alerts: Sequence[AlertRow]
    jobs: Sequence[JobRow]
    offline: Sequence[DeviceRow]
    drift: Drift


def lines(found: Found, since: int) -> list[Line]:
    """Everything that is open, and the jobs that began at `since` (ms UTC) or later, by kind and then the worst first.

    An alert that somebody took up or that a window mutes is somebody's already, and left out.
    """
    alerts = sorted(
        (one for one in found.alerts if not one["acked_by"] and not one["muted_by"]),
        key=lambda one: (_RANKS.get(one["severity"], 4), one["started_at"]),
    )
    return [
        *(_line("break-glass", "critical", "", "", "", one["message"], one["since"], "guru access list")
          for one in found.status["conditions"] if one["type"] == "BreakGlass" and one["status"]),
        *(_line("alert", one["severity"], one["device_name"], one["customer"], one["site"], one["summary"],
                one["started_at"], f"guru alert show {one['id']}") for one in alerts),
        *(_line("held", "critical", one["customer"], one["customer"], "", one["reason"], None, "guru status")
          for one in found.status["customers"] if one["state"] == "Held"),
        *(_line("tampered", "critical", "", "", "", f"not as installed: {one['message']}", one["since"], "guru status")
          for one in found.status["conditions"] if one["type"] == "Tampered" and one["status"]),
        *_refusing(found.status),
        *_jobs(found.jobs, since),
        *(_line("offline", "medium", one["name"], one["customer"], one["site"], "", one["since"],
                f"guru device show {one['name']}")
          for one in sorted(found.offline, key=lambda one: one["since"] or 0)),
        *(_line("drift", "medium", one["name"], one["customer"], one["site"],
                f"{one['resource']}: {one['message'] or one['outcome']}", one["at"], "guru drift --open")
          for one in found.drift["items"] if one["open"]),
        *(_line("override", "info", one["name"], one["customer"], one["site"],
                f"{one['path']} by {one['actor']}: {one['reason']}", one["set_at"], "guru override list")
          for one in found.drift["overrides"]),
    ]


def _refusing(status: Status) -> Iterator[Line]:
    if count := status["refusing"]:
        yield _line("refusing", "critical", "", "", "", plural(count, "device"), None, "guru status")


def _jobs(jobs: Iterable[JobRow], since: int) -> Iterator[Line]:
    for job in jobs:
        bad = {state: job["counts"].get(state, 0) for state in BAD_RUNS}
        if job["created_at"] >= since and any(bad.values()):
            said = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in bad.items() if count)
            yield _line("job", "medium", job["id"][:8], "", "", f"{said} of {job['total']:,}: {job['what']}",
                        job["created_at"], f"guru job show {job['id'][:8]}")


def _line(
    what: What, severity: str, name: str, customer: str, site: str, text: str, at: int | None, then: str
) -> Line:
    return Line(what=what, severity=severity, name=name, customer=customer, site=site, text=text, at=at, next=then)


def page(rows: Sequence[Line], totals: dict[What, int], paper: Paper, most: int) -> Iterator[str]:
    """The lines for a terminal: a heading for each kind with its number, the first few, and where the rest is."""
    if not rows:
        yield paper.paint(paper.marked("nothing wants your eye", "good"), "good")
        return
    for what in TITLES:
        mine = [row for row in rows if row["what"] == what]
        if not mine:
            continue
        one, many = TITLES[what]
        tone = TONES[what]
        yield from heading(paper.marked(plural(totals[what], one, many), tone), paper)
        yield from indented([_cells(row, paper) for row in mine[:most]], paper, keep=[True, True, True, False])
        if totals[what] > most:
            yield f"  {paper.paint(f'{totals[what] - most:,} more: {_rest(what)}', 'dim')}"
    yield ""
    yield f"next: {paper.paint(clean(rows[0]['next']), 'accent')}"


def _cells(row: Line, paper: Paper) -> list[Cell]:
    place = "/".join(clean(part) for part in (row["customer"], row["site"]) if part)
    severity = row["severity"] if row["what"] == "alert" else ""
    tone: Tone = "bad" if severity in ("critical", "high") else "warn" if severity else ""
    return [
        Cell(clean(row["name"]) or "-", tone), Cell(place or "-", "dim"), Cell(ago(row["at"], paper.now), "dim"),
        Cell(clean(row["text"])),
    ]


def _rest(what: What) -> str:
    return {
        "alert": "guru alert list", "break-glass": "guru access list", "held": "guru status",
        "tampered": "guru status", "refusing": "guru status",
        "job": "guru job list", "offline": "guru device list --state Unknown", "drift": "guru drift --open",
        "override": "guru override list",
    }[what]
