"""What jobs need in time: waves, expiry, runs nobody hears of any more, an end. Runs under the lease `jobs`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, select

from guru_policy.errors import Conflict, Unreachable
from guru_server.bus import Bus, ringing
from guru_server.clock import Clock
from guru_server.events.noting import Happening, note
from guru_server.fleet.tables import device
from guru_server.gateway.orders import ANEW, TOPIC
from guru_server.jobs import deciding, renewing, store
from guru_server.jobs.changing import Conclusion, conclude
from guru_server.jobs.creating import release
from guru_server.jobs.recording import NEWS
from guru_server.jobs.signing import Signer
from guru_server.jobs.tables import job, job_run
from guru_server.leases import Fence, held
from guru_server.signer.brake import Braked
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.running import ENDED

log = logging.getLogger("guru.jobs")
EVERY = 1.0                             # seconds between looks
IDLE = 30.0                             # while no job is open; one that is made rings
PAUSE = 0.2                             # seconds in which a burst of news becomes one look
HELD = 5.0                              # seconds between two tries to have a held job signed
AUTHORITY = 3600.0                      # seconds between looks whether the authority is to be made anew


class Coordinator:
    """Looks after open jobs. `run` is work for the lease."""

    def __init__(self, db: Database, bus: Bus, signer: Signer, clock: Clock) -> None:
        self._db, self._bus, self._signer, self._clock = db, bus, signer, clock
        self._vouched = -AUTHORITY       # the clock of the loop may have begun a moment ago
        self._open = True               # for all that is known before the first look
        self._renewed, self._renewing = False, -HELD    # a key is replaced only while no server runs
        self._tried: dict[str, float] = {}          # jobs that the signer holds, and when it was asked last

    async def run(self, fence: Fence) -> None:
        """Look until cancelled."""
        async with ringing(self._bus, NEWS, TOPIC) as rang:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rang.wait(), self.rest)
                await asyncio.sleep(PAUSE)
                rang.clear()
                await self.look_safely(fence)

    @property
    def rest(self) -> float:
        """Seconds until the next look when nobody rings."""
        return EVERY if self._open else IDLE

    async def look_safely(self, fence: Fence) -> None:
        """One look at every open job; a failure is made up for by the next."""
        try:
            await self.look(fence)
        except (Conflict, Unreachable) as cause:
            log.warning("this look at the jobs was in vain, the next one makes up for it: %s", cause)

    async def look(self, fence: Fence) -> None:
        """One look at every open job."""
        loop = asyncio.get_running_loop().time()
        open_jobs = await self._db.read(_open)
        self._open = bool(open_jobs)
        signing = bool(open_jobs) and await self._signing()
        if signing and loop - self._vouched > AUTHORITY:
            now = self._clock()
            await self._db.write(lambda connection: self._signer.keep_authority(connection, whose(connection), now))
            self._vouched = loop
        if self._signer.followed:
            await self._bus.publish(ANEW, await self._db.read(_given))
            self._signer.followed = False
        if signing and not self._renewed and loop - self._renewing > HELD:
            self._renewing = loop
            await self._renew(fence)
        self._tried = {row.id: self._tried[row.id] for row in open_jobs if row.held and row.id in self._tried}
        for row in open_jobs:
            if row.held and loop - self._tried.get(row.id, 0.0) < HELD and not row.stopped:
                continue
            self._tried[row.id] = loop
            if not await self._db.read(partial(_idle, row=row, now=self._clock())):
                begun, changed = await self._db.write(partial(
                    self._one, fence=fence, job_id=row.id, signing=signing))
                if begun:
                    await self._bus.publish(TOPIC, begun)
                if changed:
                    await self._bus.publish(NEWS, [row.id])

    async def _signing(self) -> bool:
        """Whether somebody signs now. Without, waves wait, and all else of every job goes on."""
        try:
            await self._signer.ready()
        except Unreachable as cause:
            log.warning("no wave of a job begins now: %s", cause)
            return False
        return True

    async def _renew(self, fence: Fence) -> None:
        """Have what the command key of before signed, and what waits, signed again; the brake may hold it up."""
        now = self._clock()
        while found := await self._db.read(lambda connection: renewing.stale(
                connection, self._signer.key(whose(connection)), now)):
            for what in found:
                try:
                    devices = await self._db.write(partial(self._again, fence=fence, what=what, now=now))
                except Braked as braked:
                    log.warning("orders that wait are not signed again yet: %s", braked.message)
                    return
                await self._bus.publish(ANEW, devices)
        self._renewed = True

    def _again(self, connection: Connection, *, fence: Fence, what: renewing.Stale, now: int) -> list[str]:
        held(connection, fence)
        return renewing.renew(connection, self._signer, what, now)

    def _one(
        self, connection: Connection, *, fence: Fence, job_id: str, signing: bool
    ) -> tuple[list[str], bool]:
        held(connection, fence)
        mine = (job.c.tenant == whose(connection), job.c.id == job_id)
        row = connection.execute(select(job).where(*mine).with_for_update()).one_or_none()
        if row is None:
            return [], False
        now = self._clock()
        found = concluded(connection, row, now)
        conclude(connection, job_id, found, now)
        runs = store.standings(connection, job_id, now)
        if not runs:
            connection.execute(job.update().where(*mine).values(finished_at=now))
            counts = {str(state): number for state, number in store.counts(connection, [job_id])[job_id].items()}
            note(connection, whose(connection), now, [Happening("job.finished", f"job:{job_id}", {
                "job": job_id, "actor": row.actor, "what": row.what, "stopped": row.stopped, "runs": dict(counts),
            }, job=job_id)])
            return [], True
        if row.held and not row.stopped:
            if not signing:
                return [], bool(found)
            begun = release(connection, self._signer, row, now)
            return begun, bool(begun)
        wave = store.wave_of(row)
        if row.over_at is None and deciding.wave_over(runs, wave, now):
            connection.execute(job.update().where(*mine).values(over_at=now))
            row = connection.execute(select(job).where(*mine)).one()
        if signing and not row.stopped and deciding.next_wave_due(store.wave_of(row), now):
            return release(connection, self._signer, row, now), True
        return [], bool(found)


def _given(connection: Connection) -> list[str]:
    """The devices that an order is on its way to, or the end of one."""
    state = job_run.c.state
    query = select(job_run.c.device).distinct().where(
        job_run.c.tenant == whose(connection), (state == "sent") | (state == "running") & job_run.c.ending)
    return [str(one) for one in connection.execute(query).scalars()]


def concluded(connection: Connection, row: Row[Any], now: int) -> list[Conclusion]:
    """What the server must conclude of runs that nobody else will end; a job that stops is noted as stopped."""
    here = (job_run.c.tenant == whose(connection), job_run.c.job == row.id)
    columns = (job_run.c.device, job_run.c.state, device.c.revoked_at)
    joined = job_run.outerjoin(device, (device.c.tenant == job_run.c.tenant) & (device.c.id == job_run.c.device))
    query = select(*columns).select_from(joined).where(*here, job_run.c.state.not_in(ENDED))
    stop = row.stopped or deciding.stopped(store.counts(connection, [row.id])[row.id], store.wave_of(row))
    if stop != row.stopped:
        mine = (job.c.tenant == whose(connection), job.c.id == row.id)
        connection.execute(job.update().where(*mine).values(stopped=stop))
    silent = now >= row.expires_at + row.timeout * 1000 + deciding.SILENCE_MS
    found = []
    for name, state, revoked_at in connection.execute(query):
        if state == "queued" and stop:
            found.append(Conclusion(name, state, "cancelled", stop))
        elif state == "queued" and revoked_at is not None:
            found.append(Conclusion(name, state, "cancelled", "the device was revoked"))
        elif state == "queued" and now >= row.expires_at:
            found.append(Conclusion(name, state, "expired", "its device did not come in time: it never had the order"))
        elif state != "queued" and (silent or revoked_at is not None):
            what = "running" if state == "running" else "sent to its device"
            why = "the device was revoked" if revoked_at is not None else "nothing was heard since"
            found.append(Conclusion(name, state, "lost", f"it was {what}, and {why}: how it went is unknown"))
    return found


def _open(connection: Connection) -> list[Row[Any]]:
    query = select(job).where(job.c.tenant == whose(connection), job.c.finished_at.is_(None)).order_by(job.c.created_at)
    return list(connection.execute(query).all())


def _idle(connection: Connection, row: Row[Any], now: int) -> bool:
    """Whether there is surely nothing to do: a job that waits for devices which are away, or which work."""
    if now >= row.expires_at or row.stopped or row.held:
        return False
    runs = store.standings(connection, row.id, now)
    if not runs:
        return False
    return row.waves == 1 and not row.max_failures and not _revoked(connection, row.id)


def _revoked(connection: Connection, job_id: str) -> bool:
    here = (job_run.c.tenant == whose(connection), job_run.c.job == job_id, job_run.c.state.not_in(ENDED))
    joined = job_run.join(device, (device.c.tenant == job_run.c.tenant) & (device.c.id == job_run.c.device))
    query = select(job_run.c.device).select_from(joined).where(*here, device.c.revoked_at.is_not(None)).limit(1)
    return connection.execute(query).first() is not None
