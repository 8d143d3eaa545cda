"""The inventory: rows of the kept tables, told as what came, changed and went since they were last told.

It looks seldom, and each look is a process of its own (guru_agent.query). The server never trusts what it hears.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import orjson

from guru_agent.clock import Clock
from guru_agent.logs import plain, say
from guru_agent.query.asking import ask
from guru_agent.sampling.deltas import Deltas, Row, Seen, bounded
from guru_agent.state.spool import Spool
from guru_agent.state.store import Store, StoreFull
from guru_policy.query.kept import KEPT, MOST_ROWS, MOST_TEXT, Kept
from guru_wire.querying import Query, QueryLimits

LOG = logging.getLogger(__name__)
EVERY = 6 * 3600                        # seconds
FIRST = 300                             # seconds after the start, half of it to half more: other work comes first
SLOW = 3600                             # seconds between two looks at a slow table at least
GAP = 60                                # seconds between two looks at least
_LIMITS = QueryLimits(rows=MOST_ROWS + 1, bytes=8 << 20, seconds=60.0)

Look = Callable[[Kept], Awaitable[Sequence[Row] | None]]        # None: it cannot be seen on this machine


class Stocktaking:
    """Looks at the start, on an interval, and soon after `look()` and `anew()`. Times are seconds."""

    def __init__(
        self, store: Store, spool: Spool, clock: Clock, rows: Look, every: int = EVERY, *,
        first: float = FIRST, gap: float = GAP,
    ) -> None:
        self._spool, self._clock, self._rows, self._every = spool, clock, rows, every
        self._deltas = Deltas(store, spool, clock)
        self._first, self._gap = min(first, every), min(gap, every)
        self._wanted = asyncio.Event()
        self._slow_from = 0.0           # monotonic: when slow tables may be looked at again

    def look(self) -> None:
        """The machine changed: look soon."""
        self._wanted.set()

    def anew(self) -> None:
        """The server lost the thread: everything is news again."""
        self._spool.forget_inventory()
        self._slow_from = 0.0
        self._wanted.set()

    async def run(self) -> None:
        """Look until cancelled; many machines that start at once do not look at once."""
        await asyncio.sleep(self._first * _jitter(0.5))
        while True:
            self._wanted.clear()
            await self.take()
            await asyncio.sleep(self._gap)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0, self._every - self._gap) * _jitter(0.1)):
                    await self._wanted.wait()

    async def take(self) -> None:
        """One look at every kept table whose time has come."""
        now = self._clock.monotonic()
        slow = now >= self._slow_from
        self._slow_from = now + SLOW if slow else self._slow_from
        for kept in KEPT:
            if kept.slow and not slow:
                continue
            if self._spool.crowded:     # it may replace what was not sent: a delta less, and the next makes no sense
                say(LOG, "the inventory waits", reason="too much waits to be sent")
                return
            rows = await self._rows(kept)
            if rows is None:
                continue
            try:
                self._deltas.tell(kept, _seen(kept, rows))
            except StoreFull as full:
                say(LOG, "the inventory waits", logging.ERROR, reason=full.message)
                return


def looking(root: Path | None) -> Look:
    """The rows as live queries see them, below `root`."""

    async def rows(kept: Kept) -> Sequence[Row] | None:
        found: list[Row] = []
        async with contextlib.aclosing(ask(Query(sql=kept.sql, limits=_LIMITS), root)) as parts:
            async for part in parts:
                said = orjson.loads(part)
                if said["t"] == "rows":
                    found += map(tuple, said["rows"])
                elif said["t"] == "failed":
                    say(LOG, "a table was not seen", table=kept.table, reason=plain(said["message"], 200))
                    return None
                elif said["t"] == "end" and said["notes"] and not found:
                    return None         # nothing was seen, which is not the same as nothing being there
        return found

    return rows


def _seen(kept: Kept, rows: Sequence[Row]) -> Seen:
    clean = [tuple(plain(value, MOST_TEXT) if isinstance(value, str) else value for value in row) for row in rows]
    return bounded(kept, clean, MOST_ROWS)


def _jitter(part: float) -> float:
    return random.uniform(1 - part, 1 + part)                   # noqa: S311 - spreads load, keeps no secret
