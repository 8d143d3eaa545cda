"""Cells of the command line as pieces of a screen: one table from tones to styles. It draws nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from gurucli.paper import Cell, Paper, Tone

# The terminal's own sixteen colours, as everywhere else in `guru`.
STYLES: dict[Tone, Style] = {
    "": Style(), "good": Style(color="green"), "busy": Style(color="cyan"), "warn": Style(color="yellow"),
    "bad": Style(color="red"), "off": Style(color="magenta"), "title": Style(bold=True), "dim": Style(dim=True),
    "accent": Style(color="cyan"),
}


def fitted(cell: Cell, width: int, base: Style) -> Segment:
    """The cell in exactly `width` columns; what does not fit ends in an ellipsis."""
    text = Text(cell.text, no_wrap=True, end="")
    text.truncate(width, overflow="ellipsis", pad=True)
    return Segment(text.plain, base + STYLES[cell.tone])


def written(lines: Iterable[str]) -> Text:
    """Lines that a verb made for a terminal; their colours are kept, and nothing in them is markup."""
    return Text.from_ansi("\n".join(lines))


def paper(columns: int, now: float) -> Paper:
    """What verbs' pages are written on here."""
    return Paper(max(columns, 20), color=True, glyphs=True, unicode=True, now=now)
