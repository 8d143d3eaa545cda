"""A table of any number of rows of which only those in sight are drawn. It knows columns and rows, and no server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from gurucli.paper import Cell, Paper
from gurucli.sheet import Column, Row
from gurucli.tui.looks import fitted

MEASURED = 200                          # rows by which the widths of columns are chosen
WIDEST = 48                             # of one column, but the last
HEAD, CHOSEN = Style(bold=True, dim=True), Style(reverse=True)


class Grid(ScrollView, can_focus=True):
    """The first line is the heading and stays. `key` names a row: the cursor stays on it when rows change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False), Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False), Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "jump(0)", "first", show=False), Binding("end,G", "jump(-1)", "last", show=False),
        Binding("enter", "open", "open"),
    ]

    class Opened(Message):
        """Somebody wants to see a row whole."""

        def __init__(self, grid: Grid, row: Row) -> None:
            self.grid, self.row = grid, row
            super().__init__()

    def __init__(
        self, columns: Sequence[Column], key: Callable[[Row], str], *, paper: Callable[[], Paper], empty: str, id: str  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self._columns = [column for column in columns if not column.wide]
        self._key, self._paper, self._empty = key, paper, empty
        self._rows: Sequence[Row] = ()
        self._widths = [len(column.heading) for column in self._columns]
        self.at = 0

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.at] if self.at < len(self._rows) else None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def put(self, rows: Sequence[Row]) -> None:
        """Show these rows instead."""
        before = self.chosen
        self._rows = rows
        self._measure()
        if before is not None:
            name = self._key(before)
            self.at = next((n for n, row in enumerate(rows) if self._key(row) == name), min(self.at, len(rows) - 1))
        self.at = max(0, min(self.at, len(rows) - 1))
        self.virtual_size = Size(sum(self._widths) + 2 * len(self._widths), len(rows) + 1)
        self._in_sight()
        self.refresh()

    def action_move(self, by: int) -> None:
        """Go up or down."""
        self._go(self.at + by)

    def action_page(self, by: int) -> None:
        """Go by as many rows as are in sight."""
        self._go(self.at + by * max(1, self.size.height - 2))

    def action_jump(self, to: int) -> None:
        """Go to the first row, or with -1 to the last."""
        self._go(to if to >= 0 else len(self._rows) - 1)

    def action_open(self) -> None:
        """Ask for the chosen row's page."""
        if self.chosen is not None:
            self.post_message(self.Opened(self, self.chosen))

    def on_click(self, event: object) -> None:
        """Choose the row under the pointer."""
        line = getattr(event, "y", 0)
        if line > 0:
            self._go(int(self.scroll_offset.y) + line - 1)

    def render_line(self, y: int) -> Strip:
        """One line of the screen: Textual asks for those in sight and no others."""
        width = self.size.width
        if y == 0:
            return self._strip([Cell(one.heading) for one in self._columns], width, HEAD)
        number = int(self.scroll_offset.y) + y - 1
        if number >= len(self._rows):
            words = self._empty if not self._rows and y == 1 else ""
            return Strip([Segment(words.ljust(width), Style(dim=True))]).crop(0, width)
        base = CHOSEN if number == self.at else Style()
        row, paper = self._rows[number], self._paper()
        return self._strip([one.cell(row, paper) for one in self._columns], width, base)

    def _strip(self, cells: Sequence[Cell], width: int, base: Style) -> Strip:
        gap = Segment("  ", base)
        fits = [fitted(cell, size, base) for cell, size in zip(cells, self._widths, strict=True)]
        line = Strip([part for cell in fits for part in (cell, gap)])
        left = int(self.scroll_offset.x)
        return line.crop(left, left + width).extend_cell_length(width, base)

    def _measure(self) -> None:
        paper = self._paper()
        for number, column in enumerate(self._columns):
            # A name is never cut: of columns that are kept and shown as they are, every row counts.
            rows = self._rows if column.keep and column.show is None else self._rows[:MEASURED]
            longest = max(map(cell_len, (column.heading, *(column.cell(row, paper).text for row in rows))))
            last = number == len(self._columns) - 1
            self._widths[number] = longest if last or column.keep else min(longest, WIDEST)

    def _go(self, to: int) -> None:
        self.at = max(0, min(to, len(self._rows) - 1))
        self._in_sight()
        self.refresh()

    def on_resize(self) -> None:
        """A table that was hidden until now has its height only here."""
        self._in_sight()

    def _in_sight(self) -> None:
        top, height = int(self.scroll_offset.y), self.size.height - 1
        if height < 1:
            return
        if self.at < top:
            self.scroll_to(y=self.at, animate=False)
        elif self.at >= top + height:
            self.scroll_to(y=self.at - height + 1, animate=False)
