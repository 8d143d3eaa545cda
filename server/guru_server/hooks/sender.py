"""Sends events to webhooks: each by itself, so that one that is dead or slow holds up no other.

At least once: a server killed between an answer and its record sends again, with the same webhook-id. `run` is work
for the lease `webhooks`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from guru_policy.errors import Conflict, Undelivered, Unreachable
from guru_policy.kinds import notification_channel as channels
from guru_server.bus import IN_FORCE, Bus, ringing
from guru_server.clock import Clock
from guru_server.events.api import TOPIC, settled
from guru_server.events.reading import event_of
from guru_server.fleet.finding import GitLabels
from guru_server.gateway.plain import plain
from guru_server.hooks import store
from guru_server.hooks.in_force import Hook, HooksInForce
from guru_server.hooks.store import Delivery, Failure
from guru_server.leases import Fence, held
from guru_server.notify.channels import Message
from guru_server.notify.webhook import Webhooks
from guru_server.notify.worker import pause
from guru_server.store.database import Database

log = logging.getLogger("guru.hooks")
CLOUDEVENTS = "application/cloudevents+json"
TRIES = 14                              # of one event, over some hours; then the next one is tried
IDLE = 60.0                             # seconds between looks while no webhook is in force
HOOKS_AT_ONCE = 32
IN_A_ROW = 50                           # deliveries until another webhook has its turn
GONE = 410                              # Standard Webhooks: whoever answers that wants nothing more
ResultT = TypeVar("ResultT")


class Sender:
    """Takes the stream to the webhooks in force."""

    def __init__(
        self, db: Database, bus: Bus, tenant: str, hooks: HooksInForce, labels: GitLabels, clock: Clock,
        webhooks: Webhooks, *, every: float = 1.0,
    ) -> None:
        self._db, self._bus, self._tenant, self._hooks, self._labels = db, bus, tenant, hooks, labels
        self._clock, self._webhooks, self._every = clock, webhooks, every
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def run(self, fence: Fence) -> None:
        """Send until cancelled."""
        async with ringing(self._bus, TOPIC, IN_FORCE) as rang:
            try:
                while True:
                    rang.clear()
                    try:
                        await self._start(fence)
                    except Unreachable as cause:
                        log.warning("webhooks wait: %s", cause)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(rang.wait(), self.rest)
            finally:
                for task in self._busy.values():
                    task.cancel()
                await asyncio.gather(*self._busy.values(), return_exceptions=True)
                await self._webhooks.close()

    @property
    def rest(self) -> float:
        """Seconds until the next look when nobody rings: nothing is looked for while no webhook is in force."""
        busy = self._hooks.hooks or self._hooks.stale or not self._hooks.known
        return self._every if busy else IDLE

    async def deliver_due(self, fence: Fence) -> None:
        """One round: whatever is to be sent now was tried when this returns."""
        await self._start(fence)
        await asyncio.gather(*self._busy.values())

    async def _start(self, fence: Fence) -> None:
        await self._hooks.refresh()
        hooks = self._hooks.hooks
        if self._hooks.known:
            await settled(self._db, self._bus, self._tenant)
            if await self._db.read(partial(store.changed, tenant=self._tenant, hooks=hooks)):
                await self._write(fence, partial(store.adopt, tenant=self._tenant, hooks=hooks, now=self._clock()))
        await self._spread(fence)
        for name in await self._db.read(partial(store.waiting, tenant=self._tenant)):
            if name in hooks and name not in self._busy and len(self._busy) < HOOKS_AT_ONCE:
                task = asyncio.create_task(self._serve(fence, hooks[name]))
                self._busy[name] = task
                task.add_done_callback(partial(self._idle, name))

    def _idle(self, name: str, _: asyncio.Task[None]) -> None:
        self._busy.pop(name, None)

    async def _spread(self, fence: Fence) -> None:
        """Make deliveries of what happened."""
        for name in await self._db.read(partial(store.behind, tenant=self._tenant)):
            hook = self._hooks.hooks.get(name)
            looked = 1
            labels = await self._labels()
            while hook is not None and looked:
                looked = await self._write(fence, partial(
                    store.spread, tenant=self._tenant, hook=hook, labels=labels, now=self._clock()))

    async def _serve(self, fence: Fence, hook: Hook) -> None:
        """Send one webhook what waits for it, in its order, up to the first that it does not take."""
        try:
            for _ in range(IN_A_ROW):
                one = await self._db.read(partial(
                    store.following, tenant=self._tenant, hook=hook.name, now=self._clock()))
                if one is None or not await self._send(fence, hook, one):
                    return
        except (Conflict, Unreachable) as cause:
            log.warning("webhook %s waits: %s", hook.name, cause)

    async def _send(self, fence: Fence, hook: Hook, one: Delivery) -> bool:
        """Try once and record how it went; whether to go on with the next."""
        row = await self._db.read(partial(store.event_row, tenant=self._tenant, ident=one.event))
        if row is None:
            how = Failure("the event is no longer kept", None, None)
            await self._write(fence, partial(store.failed, tenant=self._tenant, one=one, how=how, now=self._clock()))
            return True
        said = event_of(row, json.loads(row.data)).model_dump(mode="json", exclude_none=True)
        message = Message(one.event, self._clock(), said, CLOUDEVENTS)
        channel = channels.Webhook(type="webhook", url=hook.url, sign=hook.sign)
        try:
            status = await self._webhooks.deliver(channel, message)
        except Undelivered as cause:
            return await self._record(fence, hook, one, cause)
        await self._write(fence, partial(
            store.delivered, tenant=self._tenant, one=one, status=status, now=self._clock()))
        return True

    async def _record(self, fence: Fence, hook: Hook, one: Delivery, cause: Undelivered) -> bool:
        now, said = self._clock(), plain(cause.message, 500)
        again = cause.again and not one.urgent and one.attempts + 1 < TRIES
        then = now + pause(one.attempts, random.random()) if again else None    # noqa: S311 - spreads load only
        disabled = await self._write(fence, partial(
            store.failed, tenant=self._tenant, one=one, how=Failure(said, cause.status, then), now=now,
            for_good=cause.status == GONE,
        ))
        log.warning("webhook %s did not take an event: %s%s", hook.name, said, "; it is disabled" if disabled else "")
        return then is None and not disabled

    async def _write(self, fence: Fence, work: Callable[[Connection], ResultT]) -> ResultT:
        def fenced(connection: Connection) -> ResultT:
            held(connection, fence)
            return work(connection)

        return await self._db.write(fenced)
