"""Lets old things go: samples age, silent checks, ended alerts and overrides are forgotten. Runs under a lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from guru_server.accounts import leaving
from guru_server.alerts import maintenance
from guru_server.alerts.store import forget_resolved
from guru_server.audit.checkpoints import let_go, set_root
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.events import numbering
from guru_server.fleet.holding import forget_withheld
from guru_server.hooks import store as hooks
from guru_server.inventory import forgetting
from guru_server.jobs.forgetting import forget_files, forget_jobs
from guru_server.leases import Fence, held
from guru_server.notify.outbox import forget_finished
from guru_server.overrides import store as overrides
from guru_server.schedules.recording import forget_runs
from guru_server.schedules.summing import sum_up
from guru_server.setting_parts import RetentionSettings
from guru_server.store.database import Database
from guru_server.telemetry.checks import Forgotten, forget_unspoken
from guru_server.telemetry.compaction import Owner, age, next_owners
from guru_server.transfers.forgetting import forget as forget_transfers

EVERY = 15 * 60.0                       # seconds; forget_unspoken wants 10 to 20 minutes
DAY = 86_400_000
WITHHELD = 14                           # days that what held and revoked devices sent is shown
DEVICES = 100                           # looked up at once
FILES_MS = 15 * 60_000                   # what looks at files brought is kept no longer
ROWS = 5_000                            # of the audit log, deleted at once
BREATH = 0.02                           # seconds between two devices, so that links are served first


class Retention:
    """The work; `run` is for the lease `retention`."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, days: RetentionSettings) -> None:
        self._db, self._bus, self._clock, self._days = db, bus, clock, days
        self._tidied = 0                # ms UTC; of this process: a restart tidies once more

    async def run(self, fence: Fence) -> None:
        """A round every quarter of an hour until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self.round(fence)

    async def round(self, fence: Fence) -> None:
        """One pass over everything that grows old."""
        now = self._clock()

        def forget(connection: Connection) -> list[Forgotten]:
            held(connection, fence)
            forget_resolved(connection, now - self._days.alerts * DAY)
            maintenance.forget_ended(connection, now - self._days.alerts * DAY)
            forget_finished(connection, now - self._days.notifications * DAY)
            overrides.forget_ended(connection, now - self._days.overrides * DAY)
            forget_withheld(connection, now - WITHHELD * DAY)
            forget_jobs(connection, now - self._days.jobs * DAY)
            forget_files(connection, now - FILES_MS)
            forget_runs(connection, now - self._days.jobs * DAY)
            forgetting.forget_changes(connection, now - self._days.inventory * DAY)
            forgetting.forget_revoked(connection, now - WITHHELD * DAY)
            hooks.forget(connection, self._db.tenant, now - self._days.deliveries * DAY)
            return forget_unspoken(connection)

        gone = await self._db.write(forget)
        if gone:
            await self._bus.publish("checks", {one.device for one in gone})
        await self._bit_by_bit(fence, partial(forget_transfers, now=now))
        await self._sum_up(fence, now)
        await self._forget_people(fence, now)
        await self._forget_events(fence, now)
        await self._let_go(fence, now)
        await self._tidy(fence, now)
        after: Owner | None = None
        while owners := await self._db.read(partial(next_owners, after=after, most=DEVICES)):
            for owner in owners:
                await self._bit_by_bit(fence, partial(age, owner=owner, now=now))
            after = owners[-1]

    async def _bit_by_bit(self, fence: Fence, some: Callable[[Connection], int]) -> None:
        """Do a part at a time until there is none, each in a transaction of its own: others write in between."""

        def work(connection: Connection) -> int:
            held(connection, fence)
            return some(connection)

        done = 1
        while done:
            done = await self._db.write(work)
            await asyncio.sleep(BREATH)

    async def _tidy(self, fence: Fence, now: int) -> None:
        """Once a day, let rows of the inventory go that nothing names any more."""
        if now - self._tidied < DAY:
            return
        found = await self._db.read(forgetting.unused)

        def work(connection: Connection) -> None:
            held(connection, fence)
            forgetting.let_go(connection, found, now=now)

        await self._db.write(work)
        self._tidied = now

    async def _sum_up(self, fence: Fence, now: int) -> None:
        """Have the audit log tell how scheduled runs ended, before they are forgotten."""

        def work(connection: Connection) -> None:
            held(connection, fence)
            sum_up(connection, now)

        await self._db.write(work)

    async def _forget_people(self, fence: Fence, now: int) -> None:
        """Delete what those signed in by who left the repository a day ago."""
        await self._bit_by_bit(fence, lambda connection: leaving.forget(connection, self._db.tenant, now))

    async def _forget_events(self, fence: Fence, now: int) -> None:
        """Let events go that are too old, or too many."""
        before, rows = now - self._days.events * DAY, self._days.event_rows
        await self._bit_by_bit(
            fence, lambda connection: numbering.forget(connection, self._db.tenant, before, rows))

    async def _let_go(self, fence: Fence, now: int) -> None:
        """Let rows of the audit log go that are older than the policy keeps, up to a signed checkpoint."""
        before = now - self._days.audit * DAY

        def begin(connection: Connection) -> int:
            held(connection, fence)
            return set_root(connection, self._db.tenant, before, now)

        if not self._days.audit:
            return
        await self._db.write(begin)
        gone = ROWS
        while gone == ROWS:
            gone = await self._db.write(partial(let_go, tenant=self._db.tenant, most=ROWS))
            await asyncio.sleep(BREATH)
