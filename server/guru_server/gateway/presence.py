"""Who is connected and when it was last seen, written once a second for all; never a write a heartbeat."""

from __future__ import annotations

import asyncio
import logging

from guru_policy.errors import GuruError
from guru_server.clock import Clock
from guru_server.gateway.devices import Seen, keep_seen
from guru_server.gateway.links import Link, Registry
from guru_server.gateway.plain import plain
from guru_server.store.database import Database

log = logging.getLogger("guru.gateway")

EVERY = 1.0                             # seconds between writes


class Presence:
    """Collects what happens to links. What a write could not store is written with the next."""

    def __init__(self, db: Database, registry: Registry, *, gateway: str, now: Clock, touch: float) -> None:
        self._db, self._registry, self._now = db, registry, now
        self._gateway = gateway
        self._slices = max(1, round(touch / EVERY))     # living links are touched in turns
        self._turn = 0
        self._news: dict[str, Seen] = {}

    def connected(self, link: Link, agent_version: str) -> None:
        """A link was made."""
        source = link.source
        self._news[source.device] = Seen(source.tenant, source.device, self._now(), True, agent_version)

    def spoke(self, link: Link) -> None:
        """A frame came in."""
        source = link.source
        before = self._news.get(source.device)
        if before is None:
            self._news[source.device] = Seen(source.tenant, source.device, self._now())

    def gone(self, link: Link) -> None:
        """The device's own link ended; a replaced link says nothing."""
        source = link.source
        self._news[source.device] = Seen(source.tenant, source.device, self._now(), False)

    async def run(self) -> None:
        """Write once a second until cancelled, and touch every living link in turns."""
        while True:
            await asyncio.sleep(EVERY)
            self._touch()
            await self.write()

    async def write(self) -> None:
        """Write what is new."""
        news, self._news = self._news, {}
        if not news:
            return
        try:
            await self._db.write(lambda connection: keep_seen(connection, self._gateway, list(news.values())))
        except GuruError as error:
            for device, older in news.items():
                newer = self._news.get(device)
                if newer is None or newer.connected is None:
                    self._news[device] = older
            log.warning("who is connected could not be written: %s", plain(error.message))

    def _touch(self) -> None:
        self._turn = (self._turn + 1) % self._slices
        for place, link in enumerate(self._registry.all()):
            if place % self._slices == self._turn:
                self.spoke(link)
