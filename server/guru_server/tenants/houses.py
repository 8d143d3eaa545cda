"""Opens and closes the doors of tenants as the table of tenants says, while the server runs. It knows nothing inside.

A house is a whole application of one tenant with its jobs. One that cannot be opened keeps no other from being.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.types import ASGIApp

from guru_policy.errors import GuruError
from guru_server.store.binding import LANDLORD
from guru_server.store.database import Database
from guru_server.store.first import TENANT
from guru_server.supervising import Job, supervise
from guru_server.tenants.naming import work_of
from guru_server.tenants.store import every
from guru_server.tenants.switchboard import Switchboard

log = logging.getLogger("guru.tenants")
LOOK = 2.0                              # seconds between two looks at the table
AGAIN = 30.0                            # and until one that could not be opened is tried again
GRACE = 5.0                             # that a house's jobs have to end


class House(NamedTuple):
    """What one tenant has of this process; `leave` lets go of what was opened for it, and may block."""

    app: ASGIApp
    jobs: Mapping[str, Job]
    db: Database                        # the tenant's own handle: nothing is read or written after it is shut
    leave: Callable[[], None]


class Houses:
    """The tenants beside the first. `build` makes a house; it blocks, and raises GuruError when it cannot."""

    def __init__(self, db: Database, board: Switchboard, build: Callable[[str], House], look: float = LOOK) -> None:
        self._db, self._board, self._build, self._every = db.of(LANDLORD), board, build, look
        self._open: dict[str, tuple[House, asyncio.Task[None]]] = {}
        self._later: dict[str, float] = {}

    async def run(self) -> None:
        """Follow the table until cancelled, then close every door."""
        try:
            while True:
                try:
                    await self.look()
                except GuruError as error:      # doors that are open stay so while the database is away
                    log.warning("the tenants could not be looked up: %s", error)
                await asyncio.sleep(self._every)
        finally:
            await asyncio.gather(*(self._close(name) for name in list(self._open)))

    async def look(self) -> None:
        """Open and close what the table says now."""
        wanted = {
            one.name for one in await self._db.read(every) if one.state == "active" and one.name != TENANT
        }
        for name in sorted(set(self._open) - wanted):
            await self._close(name)
        now = asyncio.get_running_loop().time()
        for name in sorted(wanted - set(self._open)):
            if self._later.get(name, now) <= now:
                await self._enter(name)

    async def _enter(self, name: str) -> None:
        try:
            house = await asyncio.to_thread(self._build, name)
        except Exception as error:      # whatever it is, the others are served
            told = error if isinstance(error, GuruError) else repr(error)
            log.warning("the tenant %s cannot be served: %s", name, told, exc_info=not isinstance(error, GuruError))
            self._later[name] = asyncio.get_running_loop().time() + AGAIN
            return
        jobs = {f"{name}/{job}": work for job, work in house.jobs.items()}
        with work_of(name):
            self._open[name] = house, asyncio.create_task(supervise(jobs), name=f"tenant {name}")
        self._later.pop(name, None)
        self._board.doors[name] = house.app
        log.info("the tenant %s is served", name)

    async def _close(self, name: str) -> None:
        self._board.doors.pop(name, None)
        house, task = self._open.pop(name)
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE)
        await house.db.shut()
        await asyncio.to_thread(house.leave)
        log.info("the tenant %s is served no more", name)
