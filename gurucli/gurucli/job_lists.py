"""Jobs as rows: the columns that lists of jobs share. It asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gurucli.answers_jobs import JobRow
from gurucli.human import span
from gurucli.job_page import TONES
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row, plain

SHORT = 8                               # digits of an id that are enough to name the job


def short_id(row: Row, paper: Paper) -> Cell:
    """Enough of the id to name the job."""
    return Cell(plain(row.get("id"))[:SHORT])


def short_ids(rows: Iterable[JobRow]) -> Iterator[str]:
    """The same of many, as completion offers them."""
    return (row["id"][:SHORT] for row in rows)


def progress(row: Row, paper: Paper) -> Cell:
    """Runs by state, the successes first."""
    counts = row.get("counts")
    if not isinstance(counts, dict):
        return Cell("-", "dim")
    words = [f"{counts[state]:,} {state.replace('_', ' ')}" for state in TONES if counts.get(state)]
    bad = any(counts.get(state) for state in ("failed", "timed_out", "lost"))
    over = row.get("finished_at") is not None
    return Cell(", ".join(words) or "-", "bad" if bad else "good" if over else "busy")


def limit(row: Row, paper: Paper) -> Cell:
    """Its timeout."""
    value = row.get("timeout")
    return Cell(span(value) if isinstance(value, int) else "-")


JOB_COLUMNS = (
    Column("id", "JOB", show=short_id, keep=True), Column("created_at", "AGE", time=True), Column("actor", "BY"),
    Column("target"), Column("total", "DEVICES", right=True), Column("counts", "RUNS", show=progress), Column("what"),
    Column("stopped", wide=True), Column("finished_at", wide=True, time=True),
    Column("expires_at", wide=True, time=True),
    Column("timeout", show=limit, wide=True), Column("output", wide=True), Column("batch", wide=True),
    Column("template", wide=True), Column("revision", wide=True),
)
