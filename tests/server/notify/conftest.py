"""An outbox, a notifier and channels in force that a test sets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from guru_policy.kinds.notification_channel import Webhook
from guru_server.bus import LocalBus
from guru_server.clock import SetClock
from guru_server.leases import Fence, Lease
from guru_server.notify import outbox
from guru_server.notify.channels import Channel
from guru_server.notify.email import Mail
from guru_server.notify.webhook import Webhooks
from guru_server.notify.worker import Notifier
from guru_server.store.database import Database
from tools.lab.inbox import Inbox

PAYLOAD = {
    "apiVersion": "guru/v1", "event": "firing", "alert": "a1", "severity": "high", "summary": "web1 is full",
    "customer": "acme", "site": "berlin", "device": {"id": "1" * 32, "name": "web1"},
    "check": {"id": "disk-root", "state": "critical", "value": 97.5, "unit": "%", "message": "97.5 % full"},
}


def webhook(url: str, **fields: object) -> Webhook:
    """A channel, as the fleet repository would have it."""
    return Webhook.model_validate({"type": "webhook", "url": url, **fields})


SECRETS = {"noc": SecretStr("correct horse battery")}


@dataclass
class Channels:
    """Channels by name; None: not known yet."""

    known: dict[str, Channel] | None = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)          # customers of which nothing is known yet

    async def refresh(self) -> None:
        pass

    def channels_for(self, customer: str) -> Mapping[str, Channel] | None:
        return None if customer in self.unknown else self.known


@dataclass
class Post:
    """One server's notifier on one database."""

    db: Database
    clock: SetClock
    channels: Channels
    notifier: Notifier
    fence: Fence
    bus: LocalBus

    async def put(
        self, *channels: str, alert: str = "a1", event: outbox.Event = "firing", customer: str = "acme"
    ) -> None:
        payload, now = json.dumps({**PAYLOAD, "alert": alert, "event": event}), self.clock()
        await self.db.write(lambda c: outbox.enqueue(
            c, alert=alert, customer=customer, event=event, channels=channels, payload=payload, now=now
        ))

    async def round(self, forward: int = 0) -> None:
        self.clock.forward(forward)
        await self.notifier.deliver_due(self.fence)

    async def states(self, state: str | None = None) -> list[tuple[str, str, str]]:
        """(channel, event, state) of the notes in that state, or of all."""
        states = await self.db.read(lambda c: outbox.notes(c, state, 100))
        return sorted((state.note.channel, state.note.event, state.state) for state in states)


@pytest.fixture
async def post(db: Database) -> AsyncIterator[Post]:
    clock, channels, bus, webhooks = SetClock(), Channels(), LocalBus(), Webhooks(SECRETS)
    fence = await Lease(db, "notify", "one").acquire()
    assert fence is not None
    notifier = Notifier(db, bus, channels, clock, webhooks, Mail(None), every=0.05)
    yield Post(db, clock, channels, notifier, fence, bus)
    await webhooks.close()


@pytest.fixture
def inbox() -> object:
    """A real listener on loopback."""
    box = Inbox()
    box.start()
    yield box
    box.stop()
