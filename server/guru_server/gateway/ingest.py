"""Ingest: what many links received is stored in groups with their marks, then acknowledged.

Nothing is acknowledged before its commit, and nothing that was stored is stored again: items and high-water
mark are one transaction. A body that no recorder can store is counted as refused, so that it blocks nobody.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from guru_policy.errors import GuruError, Unreachable
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.gateway.items import KINDS, Kind, Received, Recorder
from guru_server.gateway.marks import Source, advance, hold
from guru_server.gateway.plain import plain
from guru_server.store.database import Database

log = logging.getLogger("guru.gateway")

Stage = Callable[[str], None]
Topics = dict[str, set[str]]


class Parcel(NamedTuple):
    """One item on its way: its sequence, its kind (known to this server, or `refused`) and its body."""

    seq: int
    kind: Kind
    body: JsonValue


class Delivery(NamedTuple):
    """Items of one link in the order of their sequences. `stored(seq)` is called after the commit."""

    source: Source
    items: Sequence[Parcel]
    size: int                           # bytes of the frame
    stored: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """A group is committed after `every` seconds or at `most` items; at most `room` bytes wait for it."""

    every: float = 0.05
    most: int = 2000
    room: int = 64 << 20


class Ingest:
    """The queue of deliveries and the loop that commits it. One of it in a process."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        recorders: Mapping[str, Recorder],
        *,
        now: Clock,
        stage: Stage = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        self._db, self._bus, self._recorders = db, bus, recorders
        self._now, self._stage, self._pace = now, stage, pace or Pace()
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def put(self, delivery: Delivery) -> None:
        """Take a delivery; waits while the queue is full, and so does whoever reads from the link."""
        while not self._room.is_set():
            await self._room.wait()
        self._waiting.append(delivery)
        self._bytes += delivery.size
        if self._bytes >= self._pace.room:
            self._room.clear()
        self._idle.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Commit groups until cancelled. A store that is away is tried again, for as long as it takes.

        Whatever ends it, the group that it was at waits for the next run: a later item of a living link would
        raise the mark over what was lost.
        """
        while True:
            await self._arrived.wait()
            started = time.monotonic()
            group = self._next_group()
            self._stage("ingest-received")
            try:
                await self._keep_storing(group)
            except BaseException:
                self._waiting.extendleft(reversed(group))
                raise
            self._bytes -= sum(delivery.size for delivery in group)
            if self._bytes < self._pace.room:
                self._room.set()
            if not self._waiting:
                self._arrived.clear()
                self._idle.set()
            if sum(len(delivery.items) for delivery in self._waiting) < self._pace.most:
                await asyncio.sleep(max(0.0, started + self._pace.every - time.monotonic()))

    async def drained(self) -> None:
        """Return when everything that came in is stored."""
        await self._idle.wait()

    def _next_group(self) -> list[Delivery]:
        group: list[Delivery] = []
        items = 0
        while self._waiting and items < self._pace.most:
            group.append(self._waiting.popleft())
            items += len(group[-1].items)
        return group

    async def _keep_storing(self, group: Sequence[Delivery]) -> None:
        delay = 0.1
        while True:
            try:
                await self._store(group)
            except Unreachable as cause:
                log.warning("%d deliveries wait: %s", len(group), plain(cause.message))
            else:
                return
            await asyncio.sleep(delay)
            delay = min(5.0, delay * 2)

    async def _store(self, group: Sequence[Delivery]) -> None:
        """Store and acknowledge a group; when that fails, halve it until the bad item is alone."""
        try:
            marks, topics = await self._db.write(lambda connection: self._store_in(connection, group))
        except Unreachable:
            raise
        except (SQLAlchemyError, GuruError, ValueError, TypeError, LookupError, ArithmeticError) as cause:
            for half in _halves(group, cause):
                await self._store(half)
            return
        self._stage("ingest-committed")
        for delivery in group:
            delivery.stored(marks[delivery.source])
        self._stage("ingest-acked")
        for topic, ids in topics.items():
            await self._bus.publish(topic, ids)

    def _store_in(
        self, connection: Connection, group: Sequence[Delivery]
    ) -> tuple[dict[Source, int], Topics]:
        by_source: dict[Source, list[Parcel]] = defaultdict(list)
        for delivery in group:
            by_source[delivery.source].extend(delivery.items)
        sources = sorted(by_source)
        now = self._now()
        marks = hold(connection, sources, now)
        raised: dict[Source, int] = {}
        by_kind: dict[Kind, list[Received]] = defaultdict(list)
        for source in sources:
            before = mark = marks[source]
            for seq, kind, body in by_source[source]:
                if seq > mark:
                    by_kind[kind].append(Received(source.tenant, source.device, seq, body))
                    mark = seq
            if mark > before:
                marks[source] = raised[source] = mark
        topics: Topics = defaultdict(set)
        for kind in KINDS:
            if by_kind[kind] and kind in self._recorders:
                for topic, ids in self._recorders[kind](connection, by_kind[kind]).items():
                    topics[topic] |= ids
        advance(connection, raised, now)
        self._stage("ingest-stored")
        return marks, topics


def _halves(group: Sequence[Delivery], cause: Exception) -> list[list[Delivery]]:
    """The group in two parts with the order kept; a lone item becomes a refused one."""
    if len(group) > 1:
        middle = len(group) // 2
        return [list(group[:middle]), list(group[middle:])]
    delivery = group[0]
    if len(delivery.items) > 1:
        middle = len(delivery.items) // 2
        parts = (delivery.items[:middle], delivery.items[middle:])
        return [[delivery._replace(items=part)] for part in parts]
    parcel = delivery.items[0]
    if parcel.kind == "refused":
        raise cause
    reason = _reason(cause)
    log.warning("device %s: an item of kind %s was refused: %s", delivery.source.device, parcel.kind, reason)
    refused = Parcel(parcel.seq, "refused", {"kind": parcel.kind, "reason": reason})
    return [[delivery._replace(items=(refused,))]]


def _reason(cause: Exception) -> str:
    if isinstance(cause, ValidationError):
        first = cause.errors(include_url=False, include_input=False)[0]
        return plain(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    return plain(cause.message if isinstance(cause, GuruError) else f"{type(cause).__name__}: {cause}")
