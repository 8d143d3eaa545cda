"""Tells other parts of the server that something changed: topics and ids, never contents.

Losing a message is allowed: every consumer also sweeps. Publish after the commit, from the event loop.
Topics: manifest, inventory, checks, git, revoked, in_force.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

IN_FORCE = "in_force"                   # the revisions in force may be others now; it names nobody
WAITING = 200_000                       # ids that may wait for one slow subscriber


class Subscription:
    """An endless async iterator of the ids published since the last look, coalesced. Close it when done."""

    def __init__(self, bus: LocalBus, topic: str) -> None:
        self._bus, self._topic = bus, topic
        self._ids: set[str] = set()
        self._rang = asyncio.Event()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> frozenset[str]:
        await self._rang.wait()
        self._rang.clear()
        ids, self._ids = frozenset(self._ids), set()
        return ids

    def ring(self, ids: Iterable[str]) -> None:
        """Wake the subscriber; ids beyond the bound are dropped, and its sweep finds them."""
        if len(self._ids) < WAITING:
            self._ids.update(ids)
        self._rang.set()

    def close(self) -> None:
        """Hear no more."""
        self._bus.forget(self._topic, self)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Bus(Protocol):
    """What every kind of bus does."""

    async def publish(self, topic: str, ids: Iterable[str] = ()) -> None:
        """Tell all subscribers of `topic`, in every process; no ids means: just look."""

    def subscribe(self, topic: str) -> Subscription:
        """Hear of everything published to `topic` from now on."""

    async def close(self) -> None:
        """Send what waits and stop."""


@asynccontextmanager
async def ringing(bus: Bus, *topics: str) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever one of the topics is published; clear it before looking."""
    rang = asyncio.Event()

    async def listen(topic: str) -> None:
        with bus.subscribe(topic) as heard:
            async for _ in heard:
                rang.set()

    listeners = [asyncio.create_task(listen(topic)) for topic in topics]
    await asyncio.sleep(0)              # they have subscribed
    try:
        yield rang
    finally:
        for one in listeners:
            one.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)


class TenantBus:
    """One tenant's part of a bus: it hears and says nothing of another's."""

    def __init__(self, bus: Bus, tenant: str) -> None:
        self._bus, self._tenant = bus, tenant

    async def publish(self, topic: str, ids: Iterable[str] = ()) -> None:
        """Tell all subscribers of `topic` of this tenant, in every process."""
        await self._bus.publish(f"{self._tenant}/{topic}", ids)

    def subscribe(self, topic: str) -> Subscription:
        """Hear of everything published to this tenant's `topic` from now on."""
        return self._bus.subscribe(f"{self._tenant}/{topic}")

    async def close(self) -> None:
        """The bus goes on for the others."""


class LocalBus:
    """A bus inside one process."""

    def __init__(self) -> None:
        self._subscriptions: defaultdict[str, set[Subscription]] = defaultdict(set)

    async def publish(self, topic: str, ids: Iterable[str] = ()) -> None:
        """Tell all subscribers of `topic` in this process."""
        self.deliver(topic, frozenset(ids))

    def deliver(self, topic: str, ids: frozenset[str]) -> None:
        """Ring every subscription of `topic`."""
        for subscription in self._subscriptions.get(topic, ()):
            subscription.ring(ids)

    def subscribe(self, topic: str) -> Subscription:
        """Hear of everything published to `topic` from now on."""
        subscription = Subscription(self, topic)
        self._subscriptions[topic].add(subscription)
        return subscription

    def forget(self, topic: str, subscription: Subscription) -> None:
        """Ring this subscription no more."""
        self._subscriptions[topic].discard(subscription)

    async def close(self) -> None:
        """Nothing waits here."""
