"""Whom a plan concerns, on a few lines: customers, sites and groups with their devices. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gurucli.answers import Plan
from gurucli.answers_planning import Impact
from gurucli.clean import clean, width
from gurucli.human import plural
from gurucli.paper import Paper

COLUMNS = 100                           # of a line, when nobody knows how wide the page is


def impact_lines(plan: Plan, paper: Paper, *, everything: bool = False) -> Iterator[str]:
    """A line for customers, sites and groups each, those with the most devices first; as much as fits."""
    for by in ("customer", "site", "group"):
        rows = [one for one in plan["impact"] if one["by"] == by]
        if rows:
            rows.sort(key=lambda one: (-one["devices"], one["name"]))
            head = f"  {paper.paint(f'{by}s'.ljust(9), 'dim')}  "
            yield head + _fitting([_told(one) for one in rows], 10_000_000 if everything else paper.columns or COLUMNS)


def _told(one: Impact) -> str:
    offline = f" ({one['offline']:,} offline)" if one["offline"] else ""
    return f"{clean(one['name'])} {one['devices']:,}{offline}"


def _fitting(words: Sequence[str], columns: int) -> str:
    """As many as a line takes, one at least, and how many more there are."""
    shown, room = [words[0]], columns - 13 - width(words[0]) - len(f", and {plural(len(words), 'other')}")
    for word in words[1:]:
        room -= 2 + width(word)
        if room < 0:
            break
        shown.append(word)
    left = len(words) - len(shown)
    return ", ".join(shown) + (f" and {plural(left, 'other')}" if left else "")
