"""`guru top` over a large fleet that a canned server shows: how soon it is there, and how soon a key has its effect."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from textual.pilot import Pilot

from gurucli.client import Client
from gurucli.tui.app import Top, Ways
from gurucli.tui.feed import look
from tests.bench.figures import Figure
from tests.bench.measuring import Span
from tests.bench.sizes import Size
from tests.cli import canned
from tests.cli.double import Double, make_authority, serve

LIMIT = 120.0                           # seconds for the first look
SELDOM = 3600.0                         # seconds between looks: one is enough
FEW = 50                                # devices of the fleet beside it
KEYS = ("end", "home", "pagedown", "down")


def run(size: Size) -> list[Figure]:
    """The application itself, drawn into memory, beside the server in one process; the reference is a small fleet."""
    few, many = (_times(count, size.runs) for count in (FEW, size.rows))
    return [
        figure._replace(reference=small.value if number else None)
        for number, (figure, small) in enumerate(zip(many, few, strict=True))
    ]


def _times(count: int, runs: int) -> list[Figure]:
    with _fleet(count) as double:
        return asyncio.run(_measured(double, count, runs))


async def _measured(double: Double, count: int, runs: int) -> list[Figure]:
    devices = f"{count:,} devices"
    with Client(double.url, "token", ca=double.authority.ca) as feed, Client(double.url, "token") as deeds:
        with Span() as looked:
            look(feed, time.time())
        app = Top(Ways(feed, deeds, "bench", SELDOM), read_only=True)
        began = time.perf_counter()
        async with app.run_test(size=(120, 40)) as pilot:
            await _until(lambda: app.seen is not None)
            await pilot.press("2")
            there = time.perf_counter() - began
            if app.grid.count != count:
                raise RuntimeError(f"guru top shows {app.grid.count} of {devices}")
            keys = [await _pressed(pilot, key) for _ in range(runs) for key in KEYS]
            await pilot.press("slash", *"name=pc1")
            narrowed = await _pressed(pilot, "enter")
            if app.grid.count != 1:
                raise RuntimeError(f"the filter leaves {app.grid.count} rows")
    return [
        Figure(f"{devices} asked for and read, the server's answers ready made", looked.wall * 1000, "ms",
               cpu=looked.cpu * 1000, others=looked.others),
        Figure(f"{devices} on the screen, from the start of the application", there * 1000, "ms"),
        Figure(f"a key among {devices}, until all is drawn: median", median(keys) * 1000, "ms"),
        Figure(f"a key among {devices}, until all is drawn: the slowest", max(keys) * 1000, "ms"),
        Figure(f"a filter over {devices}", narrowed * 1000, "ms"),
    ]


@contextlib.contextmanager
def _fleet(count: int) -> Iterator[Double]:
    """A server that shows so many devices; its answer is made once."""
    double = Double(make_authority())
    double.answers = canned.answers(double.authority)
    items = [
        canned.device(f"pc{number}").model_dump(mode="json") | {"id": f"{number:032x}"} for number in range(count)
    ]
    body = json.dumps({"items": items, "total": count, "next": None}).encode()
    double.answers["GET /devices"] = (200, body)
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        server = serve(double, Path(folder))
        try:
            yield double
        finally:
            server.shutdown()
            server.server_close()


async def _pressed(pilot: Pilot[None], key: str) -> float:
    """Seconds from a key until everything that it caused is done."""
    began = time.perf_counter()
    await pilot.press(key)
    return time.perf_counter() - began


async def _until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not claim():
        if time.monotonic() > deadline:
            raise RuntimeError(f"guru top did not show it in {LIMIT:.0f} s")
        await asyncio.sleep(0.01)
