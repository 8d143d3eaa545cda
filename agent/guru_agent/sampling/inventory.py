"""Facts and services of the machine, told when they changed and once a day. The server never trusts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from guru_agent.clock import Clock
from guru_agent.logs import plain, say
from guru_agent.state.desired import Desired
from guru_agent.state.spool import Spool
from guru_agent.state.store import StoreFull
from guru_policy.bundle import digest_of
from guru_policy.inventory import Scalar
from guru_wire.uplink import Facts, ServiceState

LOG = logging.getLogger(__name__)
DAILY = 24 * 3600.0                     # seconds
SHORTEST = 10                           # seconds between two looks at least
MOST_FACTS, MOST_SERVICES = 500, 2000
MOST_TEXT = 300

GatherFacts = Callable[[], Awaitable[Mapping[str, Scalar]]]
ListServices = Callable[[], Awaitable[Sequence[ServiceState]]]


class Inventory:
    """Gathers at the start, on an interval, and after `look()`."""

    def __init__(
        self, spool: Spool, desired: Desired, clock: Clock, facts: GatherFacts, services: ListServices
    ) -> None:
        self._spool, self._desired, self._clock = spool, desired, clock
        self._facts, self._services = facts, services
        self._wanted = asyncio.Event()
        self._said = ""
        self._said_at = 0.0

    def look(self) -> None:
        """The machine changed: gather soon."""
        self._wanted.set()

    async def run(self) -> None:
        """Gather until cancelled."""
        while True:
            self._wanted.clear()
            await self.gather()
            try:
                async with asyncio.timeout(max(SHORTEST, self._desired.settings.facts)):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def gather(self) -> None:
        """Look once, and tell what is news."""
        found = Facts(
            at=self._clock.now(), facts=bounded(await self._facts()),
            services=tuple(_plain(one) for one in list(await self._services())[:MOST_SERVICES]),
        )
        digest = digest_of(found.model_copy(update={"at": 0}).model_dump_json().encode())
        now = self._clock.monotonic()
        if digest == self._said and now - self._said_at < DAILY:
            return
        try:
            # Only the newest facts matter: `same` is always the same, so an unsent one is replaced.
            self._spool.add_result("facts", found.model_dump_json().encode(), same="facts", subject="facts")
        except StoreFull as full:
            say(LOG, "the facts wait", logging.ERROR, reason=full.message)
            return
        self._said, self._said_at = digest, now


def bounded(facts: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """At most so many facts, with short and plain texts."""
    return {
        plain(name, 64): plain(value, MOST_TEXT) if isinstance(value, str) else value
        for name, value in sorted(facts.items())[:MOST_FACTS]
    }


def _plain(service: ServiceState) -> ServiceState:
    return service.model_copy(update={"name": plain(service.name, 128)})
