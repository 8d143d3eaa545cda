"""Pieces of a page that several verbs draw: headings, pairs, counts by state. Lines for a terminal, all
clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gurucli.answers import FaultLine
from gurucli.clean import clean
from gurucli.paper import STATE_TONES, Cell, Paper, Tone
from gurucli.render.table import grid

STATES = ("UpToDate", "Updating", "OutOfDate", "Unknown")


def short(revision: object) -> str:
    """A commit as people write it: seven digits; `-` for none."""
    return clean(revision)[:7] if isinstance(revision, str) and revision else "-"


def heading(title: str, paper: Paper) -> Iterator[str]:
    """An empty line and the title."""
    yield ""
    yield paper.paint(title, "title")


def indented(rows: Sequence[Sequence[Cell]], paper: Paper, *, keep: Sequence[bool] = (),
             by: int = 2) -> Iterator[str]:
    """Aligned cells without headings, moved to the right."""
    if rows:
        narrower = Paper(max(paper.columns - by, 0), paper.color, paper.glyphs, paper.unicode, paper.now)
        for line in grid([""] * len(rows[0]), rows, narrower, keep=keep):
            yield " " * by + line


def state_counts(counts: Mapping[str, int], paper: Paper) -> str:
    """`● 48 UpToDate · ○ 2 Unknown`, states without devices left out."""
    parts = []
    for state in (*STATES, *(s for s in counts if s not in STATES)):
        if counts.get(state):
            tone = STATE_TONES.get(state, "")
            parts.append(paper.paint(paper.marked(f"{counts[state]:,} {clean(state)}", tone), tone))
    return "   ".join(parts) or paper.paint("no devices", "dim")


def fault_lines(faults: Sequence[FaultLine], paper: Paper, by: int = 2, most: int = 20) -> Iterator[str]:
    """`file:line:column: message`, with the hint below."""
    for fault in faults[:most]:
        tone: Tone = "warn" if fault["severity"] == "warning" else "bad"
        yield f"{' ' * by}{paper.paint(place(fault), tone)}: {clean(fault['message'])}"
        if fault["hint"]:
            yield f"{' ' * by}  {paper.paint('hint:', 'accent')} {clean(fault['hint'])}"
    if len(faults) > most:
        yield f"{' ' * by}{paper.paint(f'and {len(faults) - most:,} more; -o wide names them all', 'dim')}"


def place(fault: FaultLine) -> str:
    """`path:line:column`, as far as it is known."""
    numbers = [str(n) for n in (fault["line"], fault["column"]) if n]
    return ":".join([clean(fault["path"]), *numbers])
