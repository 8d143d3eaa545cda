"""An aligned table for people: no lines drawn, shortened only on a terminal. Cells come clean already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gurucli.clean import shorten, width
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row

GAP = "  "
LEAST = 6                               # columns that a shortened cell keeps


def table(columns: Sequence[Column], rows: Iterable[Row], paper: Paper) -> Iterator[str]:
    """The lines of the table; none at all when there are no rows."""
    cells = [[column.cell(row, paper) for column in columns] for row in rows]
    if cells:
        yield from grid([column.heading for column in columns], cells, paper,
                        keep=[column.keep for column in columns], right=[column.right for column in columns])


def grid(
    headings: Sequence[str], cells: Sequence[Sequence[Cell]], paper: Paper, *,
    keep: Sequence[bool] = (), right: Sequence[bool] = (),
) -> Iterator[str]:
    """Headings (none when all are empty) over aligned cells."""
    count = len(headings)
    keep, right = list(keep) or [False] * count, list(right) or [False] * count
    widths = [max(width(headings[i]), max((width(row[i].text) for row in cells), default=0))
              for i in range(count)]
    widths = fitted(widths, keep, paper.columns)
    if any(headings):
        yield _line([Cell(heading, "dim") for heading in headings], widths, right, paper)
    for row in cells:
        yield _line(row, widths, right, paper)


def fitted(widths: list[int], keep: Sequence[bool], room: int) -> list[int]:
    """The widths, the widest shortenable ones cut until all fit into `room` (0: endless)."""
    over = sum(widths) + len(GAP) * (len(widths) - 1) - room
    if not room or over <= 0:
        return widths
    widths = list(widths)
    while over > 0:
        loose = [i for i, size in enumerate(widths) if not keep[i] and size > LEAST]
        if not loose:
            break                       # the rest of the line wraps: a name is never eaten
        widest = max(loose, key=lambda i: widths[i])
        widths[widest] -= 1
        over -= 1
    return widths


def _line(row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool], paper: Paper) -> str:
    parts = []
    for cell, size, to_right in zip(row, widths, right, strict=True):
        text = shorten(cell.text, size, paper.ellipsis)
        blanks, painted = " " * (size - width(text)), paper.paint(text, cell.tone)
        parts.append(blanks + painted if to_right else painted + blanks)
    return GAP.join(parts).rstrip(" ")
