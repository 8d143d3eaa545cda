"""The application: four tables, a filter, a page of what is chosen, and few deeds. It asks the server in threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple, cast

from textual import work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer, Input, Static

from guru_policy.errors import GuruError
from gurucli.clean import clean
from gurucli.client import Client
from gurucli.commands.alert.columns import COLUMNS as ALERT_COLUMNS
from gurucli.commands.device.columns import COLUMNS as DEVICE_COLUMNS
from gurucli.commands.fleet.today import COLUMNS as TRIAGE_COLUMNS
from gurucli.human import plural
from gurucli.job_lists import JOB_COLUMNS
from gurucli.paper import Paper
from gurucli.sheet import Column, Row, plain
from gurucli.tui import pages
from gurucli.tui.asking import Question
from gurucli.tui.feed import Seen, look
from gurucli.tui.filtering import claim_of, kept
from gurucli.tui.grid import Grid
from gurucli.tui.looks import paper
from gurucli.tui.pages import Page

SHARE = 10                              # a look takes at most one tenth of the time


class Tab(NamedTuple):
    """One table: what it shows, what names a row, and what is said when it is empty."""

    title: str
    columns: tuple[Column, ...]
    key: Callable[[Row], str]
    empty: str


def _id(row: Row) -> str:
    return plain(row.get("id"))


def _line(row: Row) -> str:
    return " ".join(plain(row.get(key)) for key in ("what", "customer", "site", "name", "next", "text"))


TABS: dict[str, Tab] = {
    "triage": Tab("Triage", TRIAGE_COLUMNS, _line, "nothing wants your eye"),
    "devices": Tab("Devices", DEVICE_COLUMNS, _id, "no device"),
    "alerts": Tab("Alerts", ALERT_COLUMNS, _id, "no alert fires"),
    "jobs": Tab("Jobs", JOB_COLUMNS, _id, "there was no job yet"),
}


class Ways(NamedTuple):
    """How to the server: one client for the tables, one for pages and deeds, so that neither waits for the other."""

    feed: Client
    deeds: Client
    name: str                           # of the context
    every: float                        # seconds between two looks, at least
    now: Callable[[], float] = time.time


class Top(App[None]):
    """`guru top`. `read_only` lets no deed through until somebody unlocks it."""

    TITLE = "guru top"
    CSS = """
    Screen { layout: vertical; }
    #head, #tabs { height: 1; }
    #tabs { margin-bottom: 1; }
    #filter { height: 3; display: none; }
    #filter.open { display: block; }
    ContentSwitcher { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"tab('{name}')", tab.title, show=False)
          for number, (name, tab) in enumerate(TABS.items(), 1)),
        Binding("tab", "next_tab(1)", "next table", priority=True), Binding("shift+tab", "next_tab(-1)", show=False,
                                                                           priority=True),
        Binding("slash", "filter", "filter"), Binding("escape", "clear", "all rows", show=False),
        Binding("r", "look", "look again"), Binding("a", "take_up", "take up alert"),
        Binding("c", "cancel", "cancel job"),
        Binding("W", "unlock", "unlock"), Binding("q", "quit", "quit"),
    ]

    def __init__(self, ways: Ways, *, read_only: bool) -> None:
        super().__init__()
        self._ways, self.read_only = ways, read_only
        self.seen: Seen | None = None
        self.trouble = ""
        self._filter = ""
        self.theme = "ansi-dark"

    def compose(self) -> ComposeResult:
        """A line that says where one is, the names of the tables, the filter, the table."""
        yield Static(id="head", markup=False)
        yield Static(id="tabs", markup=False)
        yield Input(placeholder="a selector as -l takes it, or words to look for", id="filter")
        with ContentSwitcher(initial="triage"):
            for name, tab in TABS.items():
                yield Grid(tab.columns, tab.key, paper=self._paper, empty=tab.empty, id=name)
        with Horizontal():
            yield Footer()

    def on_mount(self) -> None:
        """Look at once, and then again and again."""
        self.grid.focus()
        self._title()
        self.action_look()

    @property
    def grid(self) -> Grid:
        """The table that is shown."""
        return self.query_one(f"#{self._shown}", Grid)

    @property
    def _shown(self) -> str:
        return self.query_one(ContentSwitcher).current or "triage"

    # what one sees

    def action_tab(self, name: str) -> None:
        """Show another table."""
        self.query_one(ContentSwitcher).current = name
        self.grid.focus()
        self._title()

    def action_next_tab(self, by: int) -> None:
        """Show the next table."""
        names = list(TABS)
        self.action_tab(names[(names.index(self._shown) + by) % len(names)])

    def action_filter(self) -> None:
        """Open the filter line."""
        line = self.query_one("#filter", Input)
        line.add_class("open")
        line.focus()

    def action_clear(self) -> None:
        """Show all rows again."""
        line = self.query_one("#filter", Input)
        line.value = ""
        line.remove_class("open")
        self._filter = ""
        self._put()
        self.grid.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the filter; one that is none stays open, with what is wrong."""
        try:
            claim_of(event.value, {})
        except GuruError as error:
            self.notify(clean(f"{error.message}. {error.hint or ''}"), severity="error", markup=False)
            return
        self._filter = event.value
        event.input.remove_class("open")
        self._put()
        self.grid.focus()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Show the whole of a row."""
        page = pages.of(event.grid.id or "", event.row)
        if page is not None:
            self.push_screen(Page(page, self._ways.deeds, self._paper))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers beside Textual's own."""
        yield from super().get_system_commands(screen)
        for name, tab in TABS.items():
            yield SystemCommand(f"Show {tab.title.lower()}", "A table", lambda name=name: self.action_tab(name))
        yield SystemCommand("Filter", "Rows that a selector chooses", self.action_filter)
        yield SystemCommand("Look again", "Ask the server now", self.action_look)

    # looking

    @work(thread=True, exclusive=True, group="look")
    def action_look(self) -> None:
        """Ask the server; the next look waits for nine times as long as this one took, and `every` at least."""
        began = time.monotonic()
        try:
            seen: Seen | None = look(self._ways.feed, self._ways.now())
            trouble = ""
        except GuruError as error:
            seen, trouble = None, clean(error.message)
        took = time.monotonic() - began
        self.call_from_thread(self._saw, seen, trouble, max(self._ways.every, took * (SHARE - 1)))

    def _saw(self, seen: Seen | None, trouble: str, then: float) -> None:
        self.trouble = trouble
        if seen is not None:            # what was seen before stays, and the first line says that it is old
            self.seen = seen
            self._put()
        self._title()
        self.set_timer(then, self.action_look)

    def _put(self) -> None:
        if self.seen is None:
            return
        claim = claim_of(self._filter, self.seen.by_id)
        for name, rows in self.seen.tables.items():
            self.query_one(f"#{name}", Grid).put(kept(rows, claim) if self._filter else rows)
        self._title()

    def _title(self) -> None:
        head = [clean(self._ways.name), "read-only" if self.read_only else "deeds unlocked"]
        if self.seen is not None:
            online = sum(one["online"] for one in self.seen.devices)
            head.append(f"{plural(len(self.seen.devices), 'device')}, {online:,} online")
        if self._filter:
            head.append(f"filter: {clean(self._filter)}")
        if self.trouble:
            head.append(f"NOT CURRENT: {self.trouble}")
        self.query_one("#head", Static).update("  ·  ".join(head))
        words = []
        for number, (name, tab) in enumerate(TABS.items(), 1):
            count = self.query_one(f"#{name}", Grid).count
            words.append(f"{'▸' if name == self._shown else ' '}{number} {tab.title} ({count:,})")
        self.query_one("#tabs", Static).update("   ".join(words))

    def _paper(self) -> Paper:
        return paper(self.size.width, self._ways.now())

    # deeds

    def action_unlock(self) -> None:
        """Let deeds through, once somebody says so."""
        if self.read_only:
            self._ask(f"Type {self._ways.name} to unlock deeds here", self._unlocked)
        else:
            self.read_only = True
            self._title()

    def _unlocked(self, answer: str | None) -> None:
        if answer == self._ways.name:
            self.read_only = False
        elif answer is not None:
            self.notify("that is not its name: nothing was unlocked", severity="warning", markup=False)
        self._title()

    def action_take_up(self) -> None:
        """Take the chosen alert up, with a word for others."""
        row = self.grid.chosen
        alert = pages.alert_of(self._shown, row) if row else ""
        if alert and self._may():
            self._ask("What do you do about it?", lambda note: note is not None and self._do(
                f"/alerts/{alert}/acknowledgement", {"seconds": None, "note": note}, "taken up"))

    def action_cancel(self) -> None:
        """End the chosen job, once somebody says yes."""
        row = self.grid.chosen
        job = pages.job_of(self._shown, row) if row else ""
        if job and self._may():
            self._ask(f"End job {job[:8]}? yes or no", lambda answer: answer == "yes" and self._do(
                f"/jobs/{job}/cancel", {}, "told to end"))

    def _may(self) -> bool:
        if self.read_only:
            self.notify(f"{clean(self._ways.name)} is read-only here: W unlocks it", severity="warning", markup=False)
        return not self.read_only

    def _ask(self, question: str, then: Callable[[str | None], object]) -> None:
        self.push_screen(Question(question), lambda answer: cast("None", then(answer)))

    @work(thread=True, group="deeds")
    def _do(self, path: str, body: dict[str, object], done: str) -> None:
        try:
            self._ways.deeds.call("POST", path, body=body)
            said, bad = done, False
        except GuruError as error:
            said, bad = clean(error.message), True
        self.call_from_thread(self.notify, said, severity="error" if bad else "information", markup=False)
        self.call_from_thread(self.action_look)
