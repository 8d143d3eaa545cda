"""Runs the sweep when verdicts, rules or acknowledgements changed, and every few seconds for what time brings. It
decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy import Connection

from guru_policy.errors import Conflict, Unreachable
from guru_server.alerts.in_force import InForce
from guru_server.alerts.store import store
from guru_server.alerts.sweep import transitions
from guru_server.bus import Bus, ringing
from guru_server.clock import Clock
from guru_server.leases import Fence, held
from guru_server.store.database import Database

log = logging.getLogger("guru.alerts")
TOPICS = ("checks", "inventory", "manifest", "revoked", "alerts")
PAUSE = 0.2                             # seconds in which a burst of changes becomes one sweep


class Alerts:
    """Turns verdicts into alerts. `run` is work for the lease `alerts`."""

    def __init__(
        self, db: Database, bus: Bus, in_force: InForce, clock: Clock, *, every: float = 5.0
    ) -> None:
        self._db, self._bus, self._in_force, self._clock, self._every = db, bus, in_force, clock, every

    async def run(self, fence: Fence) -> None:
        """Sweep until cancelled."""
        async with ringing(self._bus, *TOPICS) as rang:
            while True:
                await self._sweep_safely(fence)
                await asyncio.sleep(PAUSE)
                await _wait(rang, self._every)

    async def sweep(self, fence: Fence) -> int:
        """One sweep; how many notes it put into the outbox. Writes only when something changes."""
        await self._in_force.refresh()
        now = self._clock()
        if not await self._db.read(lambda connection: transitions(connection, self._in_force, now)):
            return 0

        def change(connection: Connection) -> int:
            held(connection, fence)
            found = transitions(connection, self._in_force, now)
            return store(connection, found, now)

        queued = await self._db.write(change)
        if queued:
            await self._bus.publish("notify")
        return queued

    async def _sweep_safely(self, fence: Fence) -> None:
        try:
            await self.sweep(fence)
        except (Conflict, Unreachable) as cause:
            log.warning("this look at the verdicts was in vain, the next one makes up for it: %s", cause)


async def _wait(rang: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(rang.wait(), seconds)
    rang.clear()
