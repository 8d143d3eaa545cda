"""Orders on their way to devices: told when a link is made and when the bus says so. It reads no order.

A gateway can drop or delay an order; it holds no key that could make one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from guru_policy.errors import GuruError
from guru_server.bus import Bus, Subscription
from guru_server.clock import Clock
from guru_server.gateway.links import Link, Registry
from guru_server.gateway.plain import plain
from guru_server.store.database import Database

log = logging.getLogger("guru.gateway")

TOPIC = "orders"                        # names devices for which orders wait
ANEW = "orders-anew"                    # names devices for which orders that they may have refused were signed again
SINCE = 4                               # the LANGUAGE in which agents take orders
GATHER = 0.005                          # seconds in which several devices become one look
MORE = 1.0                              # seconds until a device that was given enough is given more
SWEEP = 60.0                            # seconds between looks for what the bus did not tell


class Words(Protocol):
    """Frames for one device; `more` wait."""

    @property
    def device(self) -> str: ...
    @property
    def frames(self) -> Sequence[str]: ...
    @property
    def more(self) -> bool: ...


OrdersOf = Callable[[Connection, Sequence[str], bool, int], Sequence[Words]]   # devices, again, now (ms UTC)
WaitedFor = Callable[[Connection, Sequence[str]], Sequence[str]]


class Way(NamedTuple):
    """Where orders come from: which of these devices have any, and what they are to be told."""

    waited_for: WaitedFor
    orders_of: OrdersOf


class Orders:
    """Gives the devices that are linked here what waits for them."""

    def __init__(self, db: Database, bus: Bus, registry: Registry, *, way: Way, now: Clock) -> None:
        self._db, self._bus, self._registry, self._way, self._now = db, bus, registry, way, now
        self._fresh: set[str] = set()   # devices whose link is new
        self._told: set[str] = set()    # devices that the bus named
        self._rang = asyncio.Event()

    def connected(self, link: Link) -> None:
        """A link was made: what was sent before may be lost."""
        self._fresh.add(link.source.device)
        self._rang.set()

    async def watch(self) -> None:
        """Hear of new orders until cancelled."""
        with self._bus.subscribe(TOPIC) as news, self._bus.subscribe(ANEW) as anew:
            await asyncio.gather(self._hear(news, self._told), self._hear(anew, self._fresh))

    async def _hear(self, news: Subscription, among: set[str]) -> None:
        async for devices in news:
            among.update(devices)
            self._rang.set()

    async def sweep(self) -> None:
        """Look for what the bus did not tell, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP)
            self._ask(link.source.device for link in self._registry.all())

    async def run(self) -> None:
        """Give out what waits until cancelled."""
        while True:
            await self._rang.wait()
            await asyncio.sleep(GATHER)
            self._rang.clear()
            fresh, told = frozenset(self._fresh), frozenset(self._told - self._fresh)
            self._fresh.clear()
            self._told.clear()
            for devices, again in ((fresh, True), (told, False)):
                linked = [link for link in self._registry.among(devices) if link.language >= SINCE and not link.held]
                if linked:
                    await self._give([link.source.device for link in linked], again)

    async def _give(self, devices: Sequence[str], again: bool) -> None:
        try:
            if again:
                asked = devices
                devices = await self._db.read(lambda connection: self._way.waited_for(connection, asked))
            words = await self._db.write(partial(self._look, devices=devices, again=again)) if devices else ()
        except GuruError as error:
            log.warning("orders could not be read: %s", plain(error.message))
            (self._fresh if again else self._told).update(devices)
            asyncio.get_running_loop().call_later(MORE, self._rang.set)
            return
        more = []
        for one in words:
            link = self._registry.of(one.device)
            for frame in one.frames:
                if link is not None:
                    link.answer(frame.encode())
            more += [one.device] if one.more else []
        if more:
            asyncio.get_running_loop().call_later(MORE, self._ask, more)

    def _look(self, connection: Connection, *, devices: Sequence[str], again: bool) -> Sequence[Words]:
        return self._way.orders_of(connection, devices, again, self._now())

    def _ask(self, devices: Iterable[str]) -> None:
        self._told.update(devices)
        self._rang.set()
