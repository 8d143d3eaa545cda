"""What a job did, for a terminal: devices that said the same are one group. Lines only, all clean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gurucli.answers_jobs import RunRow
from gurucli.clean import clean
from gurucli.following import Followed, safe
from gurucli.human import plural
from gurucli.job_verdict import how
from gurucli.paper import Cell, Paper, Tone
from gurucli.sheet import Column, Row, plain

NAMES = 12                              # of a group that are written out
TONES: dict[str, Tone] = {
    "succeeded": "good", "failed": "bad", "timed_out": "bad", "lost": "bad", "cancelled": "warn", "expired": "warn",
    "running": "busy", "sent": "busy", "queued": "off",
}


def state_cell(row: Row, paper: Paper) -> Cell:
    """A run's state with its glyph."""
    word = plain(row.get("state"))
    tone = TONES.get(word, "")
    return Cell(paper.marked(word.replace("_", " "), tone), tone)


def took(row: Row, paper: Paper) -> Cell:
    """How long it ran."""
    value = row.get("duration")
    if not isinstance(value, int):
        return Cell("-", "dim")
    return Cell(f"{value} ms" if value < 10_000 else f"{value / 1000:.0f} s")


RUN_COLUMNS = (
    Column("name", "DEVICE", keep=True), Column("customer", wide=True), Column("site", wide=True),
    Column("state", show=state_cell, keep=True), Column("exit_code", "EXIT"), Column("duration", "TOOK", show=took),
    Column("reason"), Column("signal", wide=True), Column("online", wide=True),
    Column("started_at", wide=True, time=True), Column("finished_at", wide=True, time=True), Column("out", wide=True),
    Column("err", wide=True), Column("kept", wide=True), Column("digest", wide=True), Column("device", wide=True),
)


def groups(followed: Followed, paper: Paper) -> Iterator[str]:
    """One block for all devices that ended the same way and printed the same."""
    for runs in grouped(list(followed.runs.values())):
        yield from _group(followed, runs, paper)


def grouped(runs: Sequence[RunRow]) -> list[list[RunRow]]:
    """Runs with the same end and the same output together; successes first, then the largest groups."""
    found: dict[tuple[str, int | None, str, str], list[RunRow]] = {}
    for run in sorted(runs, key=lambda run: (run["customer"], run["site"], run["name"])):
        found.setdefault((run["state"], run["exit_code"], run["reason"], run["digest"]), []).append(run)
    return sorted(found.values(), key=lambda group: (group[0]["state"] != "succeeded", -len(group)))


def _group(followed: Followed, runs: Sequence[RunRow], paper: Paper) -> Iterator[str]:
    first = runs[0]
    tone = TONES.get(first["state"], "")
    names = [clean(run["name"]) for run in runs]
    more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
    said = paper.paint(paper.marked(f"{how(first)} ({len(runs):,})", tone), tone)
    yield f"{said}  {', '.join(names[:NAMES])}{more}"
    for stream in ("out", "err"):
        text = followed.text(first["device"], stream)
        mark = "" if stream == "out" else paper.paint("stderr: ", "dim")
        for line in text.removesuffix("\n").split("\n") if text else ():
            yield f"  {mark}{safe(line)}"
    if cut := truncated(first):
        yield "  " + paper.paint(cut, "warn")


def truncated(run: RunRow) -> str:
    """That not all was kept, and how much was; empty when it was."""
    if run["kept"] >= run["out"] + run["err"]:
        return ""
    return f"truncated at {plural(run['kept'], 'byte')} of {run['out'] + run['err']:,}"
