"""The inventory: rows of the kept tables, told as what came, changed and went since they were last told.

It looks seldom, and each look is a process of its own (guru_agent.query). The server never trusts what it hears.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import orjson

from guru_agent.clock import Clock
from guru_agent.logs import plain, say
from guru_agent.query.asking import ask
from guru_agent.state.spool import INVENTORY, Spool
from guru_agent.state.store import Store, StoreFull
from guru_policy.query.kept import KEPT, MOST_ROWS, MOST_TEXT, Kept, Value
from guru_wire.inventory import InventoryDelta
from guru_wire.querying import Query, QueryLimits

LOG = logging.getLogger(__name__)
EVERY = 6 * 3600                        # seconds
FIRST = 300                             # seconds after the start, half of it to half more: other work comes first
SLOW = 3600                             # seconds between two looks at a slow table at least
GAP = 60                                # seconds between two looks at least
ROOM = 400 << 10                        # bytes of rows of one table; what is more is cut off, in the order of keys
_LIMITS = QueryLimits(rows=MOST_ROWS + 1, bytes=8 << 20, seconds=60.0)

Row = tuple[Value, ...]
Look = Callable[[Kept], Awaitable[Sequence[Row] | None]]        # None: it cannot be seen on this machine


class Stocktaking:
    """Looks at the start, on an interval, and soon after `look()` and `anew()`. Times are seconds."""

    def __init__(
        self, store: Store, spool: Spool, clock: Clock, rows: Look, every: int = EVERY, *,
        first: float = FIRST, gap: float = GAP,
    ) -> None:
        self._store, self._spool, self._clock, self._rows, self._every = store, spool, clock, rows, every
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
                self._tell(kept, rows)
            except StoreFull as full:
                say(LOG, "the inventory waits", logging.ERROR, reason=full.message)
                return

    def _tell(self, kept: Kept, rows: Sequence[Row]) -> None:
        name = INVENTORY + kept.table
        told = self._store.fact(name)
        known: dict[str, str] = orjson.loads(told) if told else {}
        found, cut = _bounded(kept, rows)
        marks = {key: _mark(row) for key, row in found.items()}
        if told and marks == known:
            return
        basis, digest = (_digest(known), _digest(marks)) if told else ("", _digest(marks))
        delta = InventoryDelta(
            table=kept.table, at=self._clock.now(), basis=basis, digest=digest, columns=kept.columns, cut=cut,
            rows=tuple(row for key, row in found.items() if not basis or known.get(key) != marks[key]),
            removed=tuple(sorted(known.keys() - found.keys())) if basis else (),
        )
        body = delta.model_dump_json().encode()
        if basis and len(body) > ROOM:  # more came and went than is there
            whole = {"basis": "", "rows": tuple(found.values()), "removed": ()}
            body = delta.model_copy(update=whole).model_dump_json().encode()
        with self._store.transaction():
            # No delta may take the place of another: each goes on from the one before.
            same = f"inventory:{self._spool.last}:{digest}"
            self._spool.add_result("inventory", body, same=same, subject=same)
            self._store.keep(name, orjson.dumps(marks).decode())


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


def _bounded(kept: Kept, rows: Sequence[Row]) -> tuple[dict[str, Row], bool]:
    """The rows by key, in its order, as many as fit; whether some did not."""
    found: dict[str, Row] = {}
    for row in rows:
        clean = tuple(plain(value, MOST_TEXT) if isinstance(value, str) else value for value in row)
        found.setdefault(plain(kept.key_of(clean)), clean)
    fitting: dict[str, Row] = {}
    size = 0
    for key in sorted(found):
        size += len(orjson.dumps(found[key])) + 1
        if size > ROOM or len(fitting) == MOST_ROWS:
            return fitting, True
        fitting[key] = found[key]
    return fitting, False


def _mark(row: Row) -> str:
    return hashlib.blake2b(orjson.dumps(row), digest_size=8).hexdigest()


def _digest(marks: dict[str, str]) -> str:
    return hashlib.sha256(orjson.dumps(marks, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _jitter(part: float) -> float:
    return random.uniform(1 - part, 1 + part)                   # noqa: S311 - spreads load, keeps no secret
