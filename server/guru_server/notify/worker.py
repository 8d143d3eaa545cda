"""Delivers the outbox: each channel by itself, so that one that fails never holds up another.

At least once: a server killed between a delivery and its record delivers again, with the same id. `run` is
work for the lease `notify`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from guru_policy.errors import Conflict, Undelivered, Unreachable
from guru_policy.kinds.notification_channel import Email
from guru_server.bus import Bus, Subscription
from guru_server.clock import Clock
from guru_server.leases import Fence, held
from guru_server.notify import outbox
from guru_server.notify.channels import Channel, ChannelsInForce, Message
from guru_server.notify.email import Mail
from guru_server.notify.outbox import Note
from guru_server.notify.webhook import Webhooks
from guru_server.store.database import Database

log = logging.getLogger("guru.notify")
TRIES = 14                              # over about two hours, four and a half at most
FIRST, LONGEST = 5_000, 3_600_000       # ms between tries, doubled each time, with full jitter
REST = 10_000                           # ms for which a channel that took nothing is left alone
AT_ONCE = 200                           # notes looked at in one round
CHANNELS_AT_ONCE = 16
_Work = Callable[[Connection], None]


class Notifier:
    """Takes notes from the outbox to their channels."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        channels: ChannelsInForce,
        clock: Clock,
        webhooks: Webhooks,
        mail: Mail,
        *,
        every: float = 2.0,
    ) -> None:
        self._db, self._bus, self._channels, self._clock = db, bus, channels, clock
        self._webhooks, self._mail, self._every = webhooks, mail, every
        self._busy: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def run(self, fence: Fence) -> None:
        """Deliver until cancelled."""
        with self._bus.subscribe("notify") as rang:
            listening = aiter(rang)
            try:
                while True:
                    await self._start_safely(fence)
                    await _wait(listening, self._every)
            finally:
                await self._stop()

    async def deliver_due(self, fence: Fence) -> None:
        """One round: everything whose time has come was tried once when this returns."""
        await self._start(fence)
        await asyncio.gather(*self._busy.values())

    async def _start(self, fence: Fence) -> None:
        now, busy = self._clock(), tuple(self._busy)
        due = await self._db.read(lambda connection: outbox.due(connection, now, AT_ONCE, busy))
        if due:
            await self._channels.refresh()
        by_channel: dict[tuple[str, str], list[Note]] = defaultdict(list)
        for note in due:
            by_channel[note.customer, note.channel].append(note)
        for place, notes in by_channel.items():
            if place not in self._busy and len(self._busy) < CHANNELS_AT_ONCE:
                task = asyncio.create_task(self._serve(fence, place, notes))
                self._busy[place] = task
                task.add_done_callback(partial(self._idle, place))

    def _idle(self, place: tuple[str, str], _: asyncio.Task[None]) -> None:
        self._busy.pop(place, None)

    async def _start_safely(self, fence: Fence) -> None:
        try:
            await self._start(fence)
        except Unreachable as cause:
            log.warning("the outbox cannot be read now: %s", cause)

    async def _serve(self, fence: Fence, place: tuple[str, str], notes: Sequence[Note]) -> None:
        """Deliver one channel's notes in their order, and stop at the first that it does not take.

        Then the channel rests, so that its backlog never fills the rounds in which others have their turn.
        """
        customer, name = place
        known = {name: person(name)} if "@" in name else self._channels.channels_for(customer)
        try:
            for note in notes:
                if known is None or not await self._deliver(fence, known.get(name), note):
                    now = self._clock()
                    await self._write(fence, partial(
                        outbox.rest, customer=customer, channel=name, now=now, until=now + REST
                    ))
                    return
        except (Conflict, Unreachable) as cause:
            log.warning("channel %s of %s waits: %s", name, customer, cause)

    async def _deliver(self, fence: Fence, channel: Channel | None, note: Note) -> bool:
        """Try once and record how it went; whether the channel took it, or did not want to hear of it."""
        if channel is not None and note.event == "resolved" and not channel.send_resolved:
            await self._write(fence, lambda connection: outbox.withdraw(connection, note.id))
            return True
        try:
            await self._send(channel, note)
        except Undelivered as cause:
            await self._record_failure(fence, note, cause)
            return False
        now = self._clock()
        await self._write(fence, lambda connection: outbox.delivered(connection, note.id, now))
        return True

    async def _send(self, channel: Channel | None, note: Note) -> None:
        message = Message(note.id, self._clock(), json.loads(note.payload))
        match channel:
            case None:
                raise Undelivered("no channel of that name is in force for this customer")
            case Email():
                await self._mail.deliver(channel, message)
            case _:
                await self._webhooks.deliver(channel, message)

    async def _record_failure(self, fence: Fence, note: Note, cause: Undelivered) -> None:
        now, said = self._clock(), cause.message[:500]
        if not cause.again or note.attempts + 1 >= TRIES:
            log.error("channel %s of %s never took note %s: %s", note.channel, note.customer, note.id, said)
            await self._write(fence, lambda connection: outbox.given_up(connection, note.id, now, said))
            return
        then = now + pause(note.attempts, random.random())  # noqa: S311 - spreads load, hides nothing
        log.warning("channel %s of %s did not take a note: %s", note.channel, note.customer, said)
        await self._write(fence, lambda connection: outbox.tried(connection, note.id, then, said))

    async def _write(self, fence: Fence, work: _Work) -> None:
        def fenced(connection: Connection) -> None:
            held(connection, fence)
            work(connection)

        await self._db.write(fenced)

    async def _stop(self) -> None:
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._webhooks.close()


def person(address: str) -> Email:
    """How somebody is told directly."""
    return Email(type="email", to=(address,))


def pause(attempts: int, share: float) -> int:
    """ms until the next try: full jitter over a doubling bound, but never less than a second."""
    return max(1_000, int(min(LONGEST, FIRST * 2**attempts) * share))


async def _wait(listening: Subscription, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(anext(listening), seconds)
