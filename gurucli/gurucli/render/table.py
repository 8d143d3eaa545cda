"""Rows for people: an aligned table, or one field a line where the terminal is too narrow for one. Cells come clean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gurucli.clean import shorten, width
from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row

GAP = "  "
LEAST = 6                               # columns that a shortened cell keeps


def table(columns: Sequence[Column], rows: Iterable[Row], paper: Paper) -> Iterator[str]:
    """The lines of the table; none at all when there are no rows. More columns than could ever fit make records."""
    cells = [[column.cell(row, paper) for column in columns] for row in rows]
    if not cells:
        return
    headings = [column.heading for column in columns]
    least = fitted(_natural(headings, cells), [False] * len(columns), 1)
    if paper.columns and sum(least) + len(GAP) * (len(least) - 1) > paper.columns:
        yield from records(headings, cells, paper)
    else:
        yield from grid(headings, cells, paper,
                        keep=[column.keep for column in columns], right=[column.right for column in columns])


def records(headings: Sequence[str], cells: Sequence[Sequence[Cell]], paper: Paper) -> Iterator[str]:
    """A field on each line, a blank line between two rows; nothing is shortened."""
    left = max(width(heading) for heading in headings)
    for number, row in enumerate(cells):
        if number:
            yield ""
        for heading, cell in zip(headings, row, strict=True):
            yield f"{paper.paint(heading + ' ' * (left - width(heading)), 'dim')}{GAP}{paper.draw(cell)}"


def grid(
    headings: Sequence[str], cells: Sequence[Sequence[Cell]], paper: Paper, *,
    keep: Sequence[bool] = (), right: Sequence[bool] = (),
) -> Iterator[str]:
    """Headings (none when all are empty) over aligned cells. Columns that `keep` and `right` do not name are False."""
    count = len(headings)
    keep, right = [*keep, *[False] * (count - len(keep))], [*right, *[False] * (count - len(right))]
    widths = fitted(_natural(headings, cells), keep, paper.columns)
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


def _natural(headings: Sequence[str], cells: Sequence[Sequence[Cell]]) -> list[int]:
    """What each column takes when nothing is shortened."""
    return [max(width(heading), max((width(row[i].text) for row in cells), default=0))
            for i, heading in enumerate(headings)]


def _line(row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool], paper: Paper) -> str:
    parts = []
    for cell, size, to_right in zip(row, widths, right, strict=True):
        text = shorten(cell.text, size, paper.ellipsis)
        blanks, painted = " " * (size - width(text)), paper.paint(text, cell.tone)
        parts.append(blanks + painted if to_right else painted + blanks)
    return GAP.join(parts).rstrip(" ")
