"""The watch over the branch: polls, hears webhooks, calls reconcile. It never works without its lease."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial

from guru_policy.errors import Conflict, GuruError
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.gateway.plain import plain
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.store import fetch_error, set_fetch_error
from guru_server.gitops.turns import Turns
from guru_server.leases import Fence
from guru_server.reconcile.leftovers import Leftovers
from guru_server.reconcile.service import Reconciler
from guru_server.signer.asking import SignerAway
from guru_server.signer.brake import Braked
from guru_server.store.database import Database
from guru_wire.operator import SyncRequested

log = logging.getLogger("guru.gitops")

SWEEP = 600.0                           # seconds: heals lost messages, renews manifests, forgets leftovers
GLANCE = 60.0                           # seconds: a clock that was set is noticed by then, and an override ends
SETTLE = 0.2                            # seconds: inventory changes that come together are compiled together

REST, TURNS = 30.0, 5                   # seconds, and how often one device is compiled again in them


class Watch:
    """One server's watch. `last_fetch_at` stays in memory: a fetch that finds nothing writes nothing."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        mirror: Mirror,
        reconciler: Reconciler,
        *,
        now: Clock,
        poll: float,
        follow: bool = True,
        rest: float = REST,
        stage: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._db, self._bus, self._mirror, self._reconciler = db, bus, mirror, reconciler
        self._now, self._poll, self._rest, self._stage = now, poll, rest, stage
        self._follow = follow
        self._leftovers = Leftovers(db, reconciler.tenant, reconciler.lock)
        self.waiting = ""               # the tip, while it waits for `guru apply`
        self._lock = asyncio.Lock()
        self._fence: Fence | None = None
        self._worn = asyncio.Event()    # something was fetched since the mirror was packed
        self._next_end: int | None = None           # of the override that ends first
        self.last_fetch_at: int | None = None

    @property
    def holding(self) -> bool:
        """Whether this server is the one that reconciles."""
        return self._fence is not None

    async def run(self, fence: Fence) -> None:
        """Watch until cancelled or until the lease is lost; for Lease.keep."""
        self._fence = fence
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._branch())
                group.create_task(self._inventory())
                group.create_task(self._sweep())
                group.create_task(self._overrides())
                group.create_task(self._tidy())
        except* Conflict as lost:
            log.warning("the watch ends: %s", lost.exceptions[0])
        finally:
            self._fence = None

    async def sync(self) -> SyncRequested:
        """Fetch now and bring the tip into force; `unreachable` when the remote cannot be fetched.

        Raises Conflict when another server holds the lease.
        """
        fence = self._fence
        if fence is None:
            raise Conflict("another server reconciles")
        async with self._lock:
            try:
                tip = await self._mirror.fetch()
            except GuruError as error:
                await self._note(plain(error.message, 500))
                return SyncRequested(revision=None, outcome="unreachable", reason=plain(error.message, 500))
            self.last_fetch_at = self._now()
            self._stage("fetched")
            if self._follow:
                try:
                    done = await self._reconciler.reconcile_commit(tip.revision, fence)
                except (Braked, SignerAway) as held:    # nothing is lost: the next look tries again
                    await self._note(plain(held.message, 500))
                    return SyncRequested(revision=tip.revision, outcome="held", reason=plain(held.message, 500))
            else:
                done = await self._reconciler.awaiting(tip.revision)
                self.waiting = tip.revision if done.outcome == "held" else ""
            await self._note("")
        if tip.changed:
            self._worn.set()
        return done

    async def deliberate(self, deed: Callable[[Fence], Awaitable[SyncRequested]]) -> SyncRequested:
        """A deed of a person beside the syncs, never between them, with this server's fence.

        The branch's tip is fetched first when it can be; nothing depends on it. Raises Conflict when another
        server holds the lease.
        """
        fence = self._fence
        if fence is None:
            raise Conflict("another server reconciles", hint="ask that one, or once more in a moment")
        async with self._lock:
            try:
                await self._mirror.fetch()
            except GuruError as error:
                log.warning("the fleet repository was not fetched: %s", plain(error.message, 500))
            done = await deed(fence)
            if self.waiting == done.revision:
                self.waiting = ""
        return done

    async def refresh(self, ids: Collection[str]) -> None:
        """Compile these devices again, because their overrides changed: here and now, when this server does that."""
        fence = self._fence
        if fence is not None:
            try:
                await self._reconciler.refresh(ids, fence)
            except GuruError as error:  # whoever reconciles hears of it below, and sweeps too
                log.warning("devices were not compiled at once: %s", plain(error.message, 500))
        await self._bus.publish("overrides", ids)

    async def _branch(self) -> None:
        with self._bus.subscribe("git") as asked:
            while True:
                await self._try(self.sync)
                jitter = random.uniform(0.9, 1.1)       # noqa: S311 - spreads load, hides nothing
                try:
                    await asyncio.wait_for(anext(asked), self._poll * jitter)
                except TimeoutError:
                    continue

    async def _inventory(self) -> None:
        """Compile what changed. Each look costs one at the whole inventory, so it rests as long as it worked."""
        turns = Turns(self._rest, TURNS, time.monotonic())
        took = 0.0
        with self._bus.subscribe("inventory") as changed:
            while True:
                every, ids = False, frozenset[str]()
                with suppress(TimeoutError):
                    ids = await asyncio.wait_for(anext(changed), turns.until(time.monotonic()))
                    every = not ids     # somebody says: just look
                await asyncio.sleep(max(SETTLE, took))
                started = time.monotonic()
                ready = turns.take(ids, started)
                if every or ready:
                    await self._try(partial(self._reconciler.refresh, None if every else ready, self._fence))
                took = time.monotonic() - started

    async def _overrides(self) -> None:
        """Compile devices whose overrides changed at another server, and end overrides at their time."""
        with self._bus.subscribe("overrides") as changed:
            ids = frozenset[str]()
            while True:
                self._next_end = None
                if ids:
                    await self._try(partial(self._reconciler.refresh, ids, self._fence))
                await self._try(self._expire)
                left = GLANCE if self._next_end is None else (self._next_end - self._now()) / 1000
                ids = frozenset[str]()
                with suppress(TimeoutError):
                    ids = await asyncio.wait_for(anext(changed), min(max(left, 0.05), GLANCE))

    async def _expire(self) -> None:
        self._next_end = await self._reconciler.expire(self._fence)

    async def _sweep(self) -> None:
        while True:
            await self._try(lambda: self._reconciler.keep_rights(self._fence))
            await self._try(lambda: self._reconciler.refresh(None, self._fence))
            await self._try(lambda: self._reconciler.renew(self._fence))
            await self._try(lambda: self._leftovers.forget(self._fence))
            await asyncio.sleep(SWEEP)

    async def _tidy(self) -> None:
        """Pack the mirror beside everything else: a sync never waits for it."""
        while True:
            await self._worn.wait()
            self._worn.clear()
            await self._try(self._mirror.tidy)

    async def _try(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do one thing; the next round tries again what failed. A lost lease ends the watch."""
        try:
            await work()
        except Conflict:
            raise
        except (GuruError, OSError) as error:
            log.error("reconciling failed: %s", plain(str(error), 500))  # noqa: TRY400

    async def _note(self, error: str) -> None:
        known, _ = await self._db.read(lambda connection: fetch_error(connection, self._reconciler.tenant))
        if known == error:
            return
        now = self._now()
        await self._db.write(
            lambda connection: set_fetch_error(connection, self._reconciler.tenant, error, now)
        )
        if error:
            log.warning("the fleet repository was not brought into force: %s", error)
