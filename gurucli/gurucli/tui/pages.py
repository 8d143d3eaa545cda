"""The whole of one row, drawn by the verb that shows it on the command line. It asks in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from guru_policy.errors import GuruError
from gurucli.answers import DeviceDetail
from gurucli.answers_alerting import AlertDetail
from gurucli.answers_jobs import JobDetail
from gurucli.clean import clean
from gurucli.client import Client, part
from gurucli.commands.alert import show as alert_show
from gurucli.commands.device import show as device_show
from gurucli.commands.job import show as job_show
from gurucli.paper import Paper
from gurucli.sheet import Row, plain
from gurucli.tui.looks import written

EVERY = 5.0                             # seconds between two looks at an open page
Drawn = Callable[[Client, Paper], Iterator[str]]


class What(NamedTuple):
    """One page: its title, and how its lines come about."""

    title: str
    lines: Drawn


def of(tab: str, row: Row) -> What | None:
    """The page of a row; None where there is none."""
    if alert := alert_of(tab, row):
        return What("alert", lambda server, paper: alert_show.page(
            server.get(AlertDetail, f"/alerts/{part(alert)}"), paper))
    if job := job_of(tab, row):
        return What("job", lambda server, paper: job_show.page(server.get(JobDetail, f"/jobs/{part(job)}"), paper))
    if device := device_of(tab, row):
        return What("device", lambda server, paper: device_show.page(
            server.get(DeviceDetail, f"/devices/{part(device)}"), paper))
    return None


def alert_of(tab: str, row: Row) -> str:
    """The id of the alert that the row is about."""
    return plain(row.get("id")) if tab == "alerts" else _next(row, "guru alert show ") if tab == "triage" else ""


def job_of(tab: str, row: Row) -> str:
    """The id of the job that the row is about."""
    return plain(row.get("id")) if tab == "jobs" else _next(row, "guru job show ") if tab == "triage" else ""


def device_of(tab: str, row: Row) -> str:
    """What names the device that the row is about."""
    if tab == "devices":
        return plain(row.get("id"))
    if tab == "triage" and row.get("what") in ("offline", "drift", "override"):
        return "/".join(plain(row.get(key)) for key in ("customer", "site", "name"))
    return ""


def _next(row: Row, words: str) -> str:
    then = plain(row.get("next"))
    return then.removeprefix(words) if then.startswith(words) else ""


class Page(Screen[None]):
    """It stays current while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace", "app.pop_screen", "back"), Binding("r", "look", "look again"),
        Binding("j", "scroll(1)", show=False), Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, what: What, server: Client, paper: Callable[[], Paper]) -> None:
        super().__init__()
        self._what, self._server, self._paper = what, server, paper

    def compose(self) -> ComposeResult:
        """The lines, as far as they are in sight."""
        with VerticalScroll():
            yield Static(f"looking at the {self._what.title} ...", id="lines", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Look at once, and then again and again."""
        self.query_one(VerticalScroll).focus()
        self.action_look()
        self.set_interval(EVERY, self.action_look)

    def action_scroll(self, by: int) -> None:
        """One line up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    @work(thread=True, exclusive=True, group="page")
    def action_look(self) -> None:
        """Ask the server."""
        try:
            text = written(list(self._what.lines(self._server, self._paper())))
        except GuruError as error:
            text = written([clean(error.message), clean(error.hint or "")])
        self.app.call_from_thread(self._show, text)

    def _show(self, text: object) -> None:
        if self.is_mounted:
            self.query_one("#lines", Static).update(text)  # type: ignore[arg-type]  # a Text is a visual
