"""`guru top` on a screen of its own: what it shows, how one gets around, and that nothing is done while locked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from gurucli.client import Client
from gurucli.tui.app import Top, Ways
from tests.cli import canned
from tests.cli.double import Double, problem

NOW = canned.T / 1000 + 60
MANY = 50_000


@pytest.fixture
def ways(double: Double) -> Callable[[], Ways]:
    """Two clients at the double; it looks so seldom that a test sees one look unless it asks for more."""
    def make() -> Ways:
        clients = [Client(double.url, "token", ca=double.authority.ca) for _ in range(2)]
        return Ways(clients[0], clients[1], "acme-prod", 3600.0, lambda: NOW)

    return make


@asynccontextmanager
async def shown(ways: Ways, *, read_only: bool = True, width: int = 110) -> AsyncIterator[tuple[Top, Pilot[None]]]:
    """The application after its first look."""
    app = Top(ways, read_only=read_only)
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: app.seen is not None or bool(app.trouble))
        yield app, pilot


async def until(pilot: Pilot[None], claim: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        await pilot.pause(0.02)
    await pilot.pause()


def text(app: Top) -> str:
    """What stands on the screen."""
    width = app.size.width
    lines = app.screen._compositor.render_strips()          # the one door to plain text that Textual has
    return "\n".join(strip.text[:width].rstrip() for strip in lines)


def rows(*names: str) -> dict[str, Any]:
    items = [canned.device(name).model_dump(mode="json") | {"id": f"{n:032x}"} for n, name in enumerate(names)]
    return {"items": items, "total": len(items), "next": None}


async def test_the_first_table_is_what_wants_ones_eye_and_keys_lead_on(ways: Callable[[], Ways]) -> None:
    async with shown(ways()) as (app, pilot):
        first = text(app)
        await pilot.press("2")
        second = text(app)

    assert "acme-prod  ·  read-only" in first
    assert "▸1 Triage" in first
    assert "guru status" not in first                       # wide columns are for pages and pipes
    assert "held" in first
    assert "▸2 Devices" in second
    assert "web01" in second
    assert "UpToDate" in second


@pytest.mark.parametrize(("key", "name"), [("1", "triage"), ("2", "devices"), ("3", "alerts"), ("4", "jobs")])
async def test_each_table_looks_as_it_did(ways: Callable[[], Ways], key: str, name: str) -> None:
    kept = Path(__file__).parent / "screens" / f"{name}.txt"
    async with shown(ways()) as (app, pilot):
        await pilot.press(key)
        now = text(app) + "\n"

    assert now == kept.read_text()


async def test_a_filter_is_a_selector_or_words_and_a_bad_one_says_where(
    ways: Callable[[], Ways], double: Double
) -> None:
    double.answers["GET /devices"] = rows("web01", "web02", "db01")
    async with shown(ways()) as (app, pilot):
        await pilot.press("2", "slash", *"name in (web01,db01)", "enter")
        chosen = app.grid.count
        await pilot.press("slash", "ctrl+u", *"db", "enter")
        worded = app.grid.count
        await pilot.press("slash", "ctrl+u", *"name in (", "enter")
        wrong = app.query_one("#filter").has_class("open")
        await pilot.press("escape")

        assert (chosen, worded, wrong, app.grid.count) == (2, 1, True, 3)


async def test_enter_shows_the_page_that_the_verb_shows(ways: Callable[[], Ways], double: Double) -> None:
    async with shown(ways()) as (app, pilot):
        detail = canned.detail().model_dump(mode="json", by_alias=True)
        double.answers[f"GET /devices/{canned.ID}"] = detail
        await pilot.press("2", "enter")
        await until(pilot, lambda: "enrolled" in text(app))
        page = text(app)
        await pilot.press("escape")

        assert "Conditions" in page
        assert "▸2 Devices" in text(app)


async def test_nothing_is_done_before_its_name_unlocks_it(ways: Callable[[], Ways], double: Double) -> None:
    async with shown(ways()) as (app, pilot):
        await pilot.press("3", "a")
        locked = [one for one in double.asked if one.method == "POST"]
        await pilot.press("W", *"acme-prud", "enter")
        still = app.read_only
        await pilot.press("W", *"acme-prod", "enter")
        await pilot.press("a")
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: any(one.method == "POST" for one in double.asked))

    done = [one for one in double.asked if one.method == "POST"]
    assert (locked, still) == ([], True)
    assert [(one.path, one.body) for one in done] == [("/alerts/a1/acknowledgement", {"seconds": None, "note": "mine"})]


async def test_a_server_that_goes_away_leaves_the_last_look_and_says_so(
    ways: Callable[[], Ways], double: Double
) -> None:
    async with shown(ways()) as (app, pilot):
        double.answers["GET /status"] = problem(503, "G0503", "away", 7)
        await pilot.press("r")
        await until(pilot, lambda: bool(app.trouble))
        await pilot.press("2")

        assert "NOT CURRENT" in text(app)
        assert "web01" in text(app)


async def test_text_of_a_device_is_neither_markup_nor_an_escape(ways: Callable[[], Ways], double: Double) -> None:
    double.answers["GET /devices"] = rows("[red]x[/]\x1b[31m")
    async with shown(ways()) as (app, pilot):
        await pilot.press("2")

        assert "[red]x[/]" in text(app)
        assert "\x1b" not in text(app)


async def test_fifty_thousand_devices_are_drawn_by_the_screen_and_the_cursor_keeps_its_row(
    ways: Callable[[], Ways], double: Double
) -> None:
    double.answers["GET /devices"] = rows(*(f"pc{n}" for n in range(MANY)))
    async with shown(ways()) as (app, pilot):
        drawn = []
        grid = app.query_one("#devices")
        real = grid.render_line
        grid.render_line = lambda y: drawn.append(y) or real(y)     # type: ignore[method-assign,func-returns-value]
        await pilot.press("2", "end")
        last = text(app)
        await pilot.press("slash", *f"name=pc{MANY - 1}", "enter")
        one = app.grid.count
        await pilot.press("escape")
        chosen = app.grid.chosen

    assert f"pc{MANY - 1}" in last
    assert one == 1
    assert chosen is not None
    assert chosen["name"] == f"pc{MANY - 1}"
    assert len(drawn) < 20 * 24
