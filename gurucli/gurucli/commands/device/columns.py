"""The columns of a device, shared by the verbs that show devices."""

from __future__ import annotations

from gurucli.blocks import short
from gurucli.clean import clean
from gurucli.human import ago
from gurucli.paper import Cell, Paper, Tone
from gurucli.sheet import Column, Row, dig, plain

_UNWELL: tuple[tuple[str, str, Tone], ...] = (
    ("critical", "crit", "bad"), ("warning", "warn", "warn"), ("unknown", "unknown", "off"))


def state(row: Row, paper: Paper) -> Cell:
    """The state with its glyph; since when, unless all is well."""
    word, since = plain(row.get("state")), row.get("since")
    extra = ago(since, paper.now) if isinstance(since, int) and word != "UpToDate" else ""
    return paper.status(word, extra)


def seen(row: Row, paper: Paper) -> Cell:
    """How long ago the device was heard."""
    last = row.get("last_seen")
    return Cell(ago(last, paper.now)) if isinstance(last, int) else Cell("never", "off")


def checks(row: Row, paper: Paper) -> Cell:
    """The checks that are not well, worst first; how many are well when all are."""
    counts: list[tuple[int, str, Tone]] = []
    for key, word, tone in _UNWELL:
        count = dig(row, f"checks.{key}")
        if isinstance(count, int) and count:
            counts.append((count, word, tone))
    if counts:
        return Cell(paper.marked(" ".join(f"{n} {word}" for n, word, _ in counts), counts[0][2]),
                    counts[0][2])
    fine = dig(row, "checks.ok")
    return Cell(f"{fine} ok") if isinstance(fine, int) and fine else Cell("-", "dim")


def revision(row: Row, paper: Paper) -> Cell:
    """The revision applied, and the one wanted when it is another."""
    applied, wanted = row.get("applied_revision"), row.get("desired_revision")
    if wanted and wanted != applied:
        return Cell(f"{short(applied)} {paper.arrow} {short(wanted)}", "warn")
    return Cell(short(applied))


def full_name(row: Row) -> str:
    """`customer/site/name`: what every command takes for a device."""
    return "/".join(clean(plain(row.get(key))) for key in ("customer", "site", "name"))


COLUMNS = (
    Column("name", keep=True),
    Column("customer"),
    Column("site"),
    Column("state", show=state, keep=True),
    Column("last_seen", "SEEN", show=seen, time=True),
    Column("checks", show=checks),
    Column("os", "OS"),
    Column("applied_revision", "REVISION", show=revision),
    Column("desired_revision", wide=True),
    Column("since", wide=True, time=True),
    Column("online", wide=True),
    Column("agent_version", "AGENT", wide=True),
    Column("id", "ID", wide=True, keep=True),
    Column("labels", wide=True),
)
