"""Leases: work that one server at a time may do, of all servers on one database.

A lease changes hands when its holder let it go, or when a contender saw no sign of the holder for `ttl` by
its own clock, so that clocks need not agree (as in Kubernetes' leader election). Each change of hands raises
the fence: `held` inside a write refuses whoever lost the lease without noticing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from guru_policy.errors import Conflict, Unreachable
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_server.store.tables import lease

log = logging.getLogger("guru.leases")

_FIRST = text(
    "INSERT INTO lease (tenant, name, owner, fence, beats) VALUES (:tenant, :name, :owner, 1, 0)"
    " ON CONFLICT DO NOTHING"
)


class Fence(NamedTuple):
    """The right to work: it ends when somebody holds the lease with a higher number."""

    name: str
    number: int


def held(connection: Connection, fence: Fence) -> None:
    """Return when this fence is still the newest; Conflict when the lease went to somebody else.

    Call it in the transaction that must not happen twice: on PostgreSQL it keeps the lease's row locked.
    """
    query = select(lease.c.fence).where(lease.c.tenant == whose(connection), lease.c.name == fence.name)
    if connection.execute(query.with_for_update(read=True)).scalar() != fence.number:
        raise Conflict(f"the lease {fence.name} went to another server", hint="this server stops its work")


class Lease:
    """One lease as one server sees it. `owner` names this server, the same after a restart."""

    def __init__(
        self,
        db: Database,
        name: str,
        owner: str,
        *,
        ttl: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self.name, self._owner, self._ttl, self._clock = db, name, owner, ttl, clock
        self._seen: tuple[int, int] | None = None           # the holder's fence and beats
        self._seen_at = 0.0

    async def acquire(self) -> Fence | None:
        """The right to work, or None while another server holds it."""
        now = self._clock()
        return await self._db.write(lambda connection: self._acquire(connection, now))

    async def renew(self, fence: Fence) -> bool:
        """Show a sign of life; False when the lease went to somebody else."""
        mine = (lease.c.tenant == self._db.tenant, lease.c.name == self.name, lease.c.fence == fence.number)
        change = lease.update().where(*mine).values(beats=lease.c.beats + 1)
        return bool(await self._db.write(lambda connection: connection.execute(change).rowcount))

    async def release(self, fence: Fence) -> None:
        """Let go, so that another server need not wait."""
        mine = (lease.c.tenant == self._db.tenant, lease.c.name == self.name, lease.c.fence == fence.number)
        change = lease.update().where(*mine).values(owner="")
        await self._db.write(lambda connection: connection.execute(change).rowcount)

    async def keep(self, work: Callable[[Fence], Awaitable[None]]) -> None:
        """Run `work` while this server holds the lease and cancel it when that is lost; never returns."""
        while True:
            fence = await self._patiently()
            task = asyncio.ensure_future(work(fence))
            try:
                await self._renewing(fence, task)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await self._let_go(fence)
            if not task.cancelled():
                task.result()
            await asyncio.sleep(self._ttl / 15)

    async def _patiently(self) -> Fence:
        while True:
            try:
                fence = await self.acquire()
            except Unreachable as cause:
                log.warning("lease %s: %s", self.name, cause)
                fence = None
            if fence is not None:
                return fence
            await asyncio.sleep(self._ttl / 5)

    async def _renewing(self, fence: Fence, task: asyncio.Future[None]) -> None:
        renewed = self._clock()
        while not task.done():
            await asyncio.wait({task}, timeout=self._ttl / 5)
            try:
                if not await asyncio.wait_for(self.renew(fence), self._ttl / 3):
                    log.warning("lease %s went to another server", self.name)
                    return
                renewed = self._clock()
            except (Unreachable, TimeoutError) as cause:
                if self._clock() - renewed > self._ttl * 0.8:
                    log.warning("lease %s could not be renewed: %s", self.name, cause)
                    return

    async def _let_go(self, fence: Fence) -> None:
        try:
            await self.release(fence)
        except Unreachable as cause:
            log.warning("lease %s ends by itself: %s", self.name, cause)

    def _acquire(self, connection: Connection, now: float) -> Fence | None:
        here = (lease.c.tenant == whose(connection), lease.c.name == self.name)
        row = connection.execute(select(lease).where(*here).with_for_update()).one_or_none()
        if row is None:
            first = {"tenant": whose(connection), "name": self.name, "owner": self._owner}
            return Fence(self.name, 1) if connection.execute(_FIRST, first).rowcount else None
        if row.owner not in ("", self._owner) and not self._silent((row.fence, row.beats), now):
            return None
        taken = lease.update().where(*here).values(owner=self._owner, fence=row.fence + 1, beats=0)
        connection.execute(taken)
        return Fence(self.name, row.fence + 1)

    def _silent(self, sign: tuple[int, int], now: float) -> bool:
        if sign != self._seen:
            self._seen, self._seen_at = sign, now
            return False
        return now - self._seen_at >= self._ttl
