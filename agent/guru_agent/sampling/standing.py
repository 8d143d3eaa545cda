"""The standing queries of the verified bundle: each asked on its interval, and only what changed is told.

They need no link: what is told waits in the spool. Each look is a process of its own (guru_agent.query).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from guru_agent.clock import Clock
from guru_agent.logs import say
from guru_agent.query.asking import ask
from guru_agent.sampling.deltas import Deltas, Row, bounded
from guru_agent.state.desired import Desired
from guru_agent.state.spool import Spool
from guru_agent.state.store import Store, StoreFull
from guru_policy.bundle import PlacedQuery
from guru_policy.query.kept import MOST_OF_QUERY, OF_QUERY, TEXT_OF_QUERY, of_query, settled
from guru_policy.text.flattening import plain
from guru_wire.querying import Query, QueryLimits

LOG = logging.getLogger(__name__)
LONGEST = 60.0                          # seconds between two looks at what is due
SHORTEST = 1.0
SPREAD = 600                            # seconds at most over which devices first ask a query that is new to them
AGAIN = 30.0                            # seconds until a query that waited for room is tried again
ROOM = 256 << 10                        # bytes of the rows of one answer
MOST_COLUMNS = 64


class Answer(NamedTuple):
    """What a query brought; a `problem` says why it brought nothing."""

    columns: tuple[str, ...] = ()
    rows: Sequence[Row] = ()
    cut: bool = False
    problem: str = ""


Look = Callable[[PlacedQuery], Awaitable[Answer]]


class Standing:
    """Asks until cancelled. Times are monotonic seconds."""

    def __init__(
        self, device: str, store: Store, spool: Spool, desired: Desired, clock: Clock, look: Look
    ) -> None:
        self._device, self._spool, self._desired, self._clock, self._look = device, spool, desired, clock, look
        self._deltas = Deltas(store, spool, clock)
        self._due: dict[PlacedQuery, float] = {}
        self._problems: dict[str, str] = {}
        self._version = -1

    def anew(self) -> None:
        """The server lost the thread: ask everything soon, but not all devices at once."""
        now = self._clock.monotonic()
        self._due = {query: now + self._share(query) * LONGEST for query in self._due}
        self._problems.clear()

    async def run(self) -> None:
        """Ask what is due, until cancelled."""
        while True:
            version = self._desired.version
            wait = await self.turn()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._desired.after(version)

    async def turn(self) -> float:
        """Ask what is due now, one after the other; seconds until the next look."""
        try:
            self._take_up()
            for query in [one for one, due in self._due.items() if due <= self._clock.monotonic()]:
                if self._spool.crowded:         # it may replace what was not sent: a delta less, and the next is lost
                    say(LOG, "standing queries wait", reason="too much waits to be sent")
                    return AGAIN
                self._due[query] = self._clock.monotonic() + query.every
                await self._ask(query)
        except StoreFull as full:
            say(LOG, "standing queries wait", logging.ERROR, reason=full.message)
            return AGAIN
        now = self._clock.monotonic()
        return max(SHORTEST, min([LONGEST, *(due - now for due in self._due.values())]))

    def _take_up(self) -> None:
        """What the bundle has now: what is new begins at its own time, and what is gone is told."""
        current = self._desired.current
        if current is None or self._version == self._desired.version:
            return
        now, queries = self._clock.monotonic(), current.bundle.queries
        self._deltas.only(OF_QUERY, {f"{OF_QUERY}{one.id}": _about(one) for one in queries})
        self._due = {
            one: self._due.get(one, now + self._share(one) * min(one.every, SPREAD)) for one in queries
        }
        self._problems = {one.id: self._problems[one.id] for one in queries if one.id in self._problems}
        self._version = self._desired.version

    async def _ask(self, query: PlacedQuery) -> None:
        answer = await self._look(query)
        before = self._problems.get(query.id, "")
        if answer.problem:
            say(LOG, "a standing query was not answered", logging.WARNING, query=query.id, reason=answer.problem)
            if answer.problem != before:
                table = of_query(query.id, ())
                self._deltas.tell(
                    table, None, about=_about(query), snapshot=query.snapshot, problem=answer.problem, anyway=True)
        else:
            table = of_query(query.id, answer.columns)
            seen = bounded(table, answer.rows, MOST_OF_QUERY, ROOM)
            self._deltas.tell(
                table, seen._replace(cut=seen.cut or answer.cut), about=_about(query), snapshot=query.snapshot,
                anyway=bool(before))
        self._problems[query.id] = answer.problem

    def _share(self, query: PlacedQuery) -> float:
        """The device's own part of a span, the same every time: 0 to 1."""
        digest = hashlib.sha256(f"{self._device}:{query.id}".encode()).digest()
        return int.from_bytes(digest[:4]) / (1 << 32)


def asking(root: Path | None) -> Look:
    """Answers as live queries have them, below `root`."""

    async def answer(query: PlacedQuery) -> Answer:
        limits = QueryLimits(rows=MOST_OF_QUERY, bytes=2 * ROOM, seconds=float(query.timeout))
        columns: tuple[str, ...] = ()
        rows: list[Row] = []
        async with contextlib.aclosing(ask(Query(sql=query.sql, limits=limits), root)) as parts:
            async for part in parts:
                said = orjson.loads(part)
                if said["t"] == "columns":
                    columns = tuple(plain(str(name), 64) for name in said["columns"])
                elif said["t"] == "rows":
                    rows += [tuple(settled(value, TEXT_OF_QUERY) for value in row) for row in said["rows"]]
                elif said["t"] == "failed":
                    return Answer(problem=plain(said["message"], 300))
                elif said["t"] == "end":
                    return _ended(columns, rows, said)
        return Answer(problem="it was not answered to its end")

    return answer


def _ended(columns: tuple[str, ...], rows: list[Row], said: dict[str, list[str]]) -> Answer:
    if len(set(columns)) != len(columns) or not 0 < len(columns) <= MOST_COLUMNS:
        return Answer(problem=f"a standing query has 1 to {MOST_COLUMNS} columns with different names")
    if said["notes"] and not rows:      # nothing was seen, which is not the same as nothing being there
        return Answer(problem=plain(said["notes"][0], 300))
    return Answer(columns, rows, bool(said["cut"]))


def _about(query: PlacedQuery) -> str:
    return hashlib.sha256(query.sql.encode()).hexdigest()
