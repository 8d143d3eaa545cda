"""What a benchmark found, against its budget, and the one table of it all. Pure: it measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Verdict = Literal["met", "missed", "unclear", ""]
CROWDED = 0.25                          # share of the machine's processors that others may have used


class Figure(NamedTuple):
    """One figure. `value`, `budget` and `cpu` have the same unit.

    `cpu` is the processor time that the measured work itself took, where `value` is wall time. `others` is the
    share of the machine's processors that other processes used meanwhile. `reference` is what the same machine
    took for something well known in the same run, as `python -c pass`, in the unit of `value`.
    """

    what: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False              # the budget is the least, not the most
    cpu: float | None = None
    others: float = 0.0
    reference: float | None = None

    @property
    def ratio(self) -> float | None:
        """How much of the budget was used: 1 is all of it, more is too much. None without a budget."""
        if self.budget is None:
            return None
        used, allowed = (self.budget, self.value) if self.at_least else (self.value, self.budget)
        if not allowed:
            return float("inf") if used else 0.0
        return used / allowed

    @property
    def verdict(self) -> Verdict:
        """`unclear`: too slow by the clock on a machine that others kept busy, and in time by its own work."""
        ratio = self.ratio
        if ratio is None:
            return ""
        if ratio <= 1:
            return "met"
        in_time = self.budget is not None and self.cpu is not None and self.cpu <= self.budget
        return "unclear" if in_time and self.others > CROWDED else "missed"


COLUMNS = ("what", "figure", "budget", "used", "cpu", "reference", "others", "verdict")


def table(figures: Sequence[Figure]) -> str:
    """All figures as one table for people, a line each."""
    rows = [COLUMNS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    right = {1, 2, 3, 4, 5, 6}
    lines = [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join((lines[0], "-" * max(map(len, lines)), *lines[1:]))


def document(figures: Sequence[Figure]) -> list[dict[str, object]]:
    """All figures for programs."""
    return [
        {**figure._asdict(), "ratio": figure.ratio, "verdict": figure.verdict} for figure in figures
    ]


def _row(figure: Figure) -> tuple[str, ...]:
    budget = ""
    if figure.budget is not None:
        budget = f"{'>=' if figure.at_least else '<='} {number(figure.budget)} {figure.unit}"
    ratio = figure.ratio
    reference = figure.value / figure.reference if figure.reference else None
    return (
        figure.what,
        f"{number(figure.value)} {figure.unit}",
        budget,
        f"{ratio:.0%}" if ratio is not None else "",
        f"{number(figure.cpu)} {figure.unit}" if figure.cpu is not None else "",
        f"x {reference:.1f}" if reference is not None else "",
        f"{figure.others:.0%}" if figure.cpu is not None else "",
        figure.verdict,
    )


def number(value: float) -> str:
    """Three digits that mean something; thousands apart."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"
