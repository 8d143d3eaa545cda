"""Keeps samples and checks in shape, slice by slice, under the lease `retention`; never holds the writer."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

from sqlalchemy import Connection

from guru_policy.errors import Conflict, GuruError
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.gateway.plain import plain
from guru_server.leases import Fence, held
from guru_server.store.database import Database
from guru_server.telemetry.checks import Forgotten, forget_unspoken
from guru_server.telemetry.compaction import Owner, age, next_owners

log = logging.getLogger("guru.telemetry")

EVERY = 600.0                           # seconds between rounds
SLICE = 20                              # devices in one transaction
BREATH = 0.05                           # seconds between slices, for others who write


class Retention:
    """The work of the lease's holder."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, *, every: float = EVERY) -> None:
        self._db, self._bus, self._clock, self._every = db, bus, clock, every

    async def run(self, fence: Fence) -> None:
        """Make a round now and every ten minutes, until cancelled or until the lease went elsewhere."""
        while True:
            try:
                await self.round(fence)
            except Conflict:
                raise
            except GuruError as error:
                log.warning("samples could not be aged: %s", plain(error.message))
            await asyncio.sleep(self._every)

    async def round(self, fence: Fence) -> int:
        """Look at every device once; how many rows were moved or dropped."""
        gone = await self._db.write(lambda connection: _forget(connection, fence))
        if gone:
            await self._bus.publish("checks", {one.device for one in gone})
        started = time.monotonic()
        moved, after = 0, None
        while found := await self._db.write(partial(_age, fence=fence, after=after, now=self._clock())):
            after, rows = found
            moved += rows
            await asyncio.sleep(BREATH)
        if moved:
            log.info("%d rows of samples were aged in %.1f s", moved, time.monotonic() - started)
        return moved


def _forget(connection: Connection, fence: Fence) -> list[Forgotten]:
    held(connection, fence)
    return forget_unspoken(connection)


def _age(
    connection: Connection, *, fence: Fence, after: Owner | None, now: int
) -> tuple[Owner, int] | None:
    """Age the next slice of devices; the last of them, or None when there are no more."""
    held(connection, fence)
    owners = next_owners(connection, after, SLICE)
    moved = sum(age(connection, owner, now) for owner in owners)
    return (owners[-1], moved) if owners else None
