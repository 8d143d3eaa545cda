"""A server whose repository names webhooks, the sender, and listeners on loopback that take or refuse."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial

import pytest
from pydantic import SecretStr

from guru_server.events.noting import Happening, note
from guru_server.hooks import store
from guru_server.hooks.in_force import HooksInForce
from guru_server.hooks.sender import Sender
from guru_server.in_force import InForce
from guru_server.leases import Fence, Lease
from guru_server.notify.webhook import Webhooks
from guru_server.store.schema import TENANT
from tests.server.reconcile.conftest import ident, world
from tests.server.rights.conftest import ACME, BOLT, Office, office
from tools.lab.inbox import Inbox

__all__ = ["ACME", "BOLT", "HOUR", "Desk", "ident", "office", "world"]

HOUR = 3_600_000
SECRET = SecretStr("whsec_" + base64.b64encode(bytes(range(24))).decode())


def webhook(name: str, url: str, more: str = "", events: str = "'device.*'") -> str:
    return (f"apiVersion: guru/v1\nkind: Webhook\nmetadata: {{name: {name}}}\n"
            f"spec: {{url: '{url}', events: [{events}], sign: psa{more}}}\n")


class Desk:
    """What tests do."""

    def __init__(self, office: Office, fence: Fence) -> None:
        self.office, self.fence = office, fence
        self.sender = self.another()

    def another(self) -> Sender:
        """A sender as it is after a restart."""
        world = self.office.world
        in_force = InForce(world.db, world.reconciler)
        return Sender(
            world.db, world.bus, TENANT, HooksInForce(world.db, TENANT, in_force.load), in_force.labels, world.clock,
            Webhooks({"psa": SECRET}, patience=2.0),
        )

    async def push(self, **files: str) -> None:
        """Webhooks in org/, or in a customer's folder for a name such as acme_psa."""
        named = {}
        for name, text in files.items():
            customer, _, last = name.rpartition("_")
            named[f"customers/{customer}/{last}.yaml" if customer else f"org/{last}.yaml"] = text
        assert (await self.office.push(named)).outcome == "published"
        await self.round()

    async def happens(self, kind: str, device: str, *names: str) -> None:
        world = self.office.world
        await world.db.write(lambda connection: note(connection, TENANT, world.clock(), [
            Happening(kind, name, {}, device=ident(device) if device else "") for name in names]))

    async def unadopted(self) -> bool:
        """Whether a webhook of the sender's is not one yet: it begins with what happens after that."""
        hooks = self.sender._hooks.hooks
        return await self.office.world.db.read(partial(store.changed, tenant=TENANT, hooks=hooks))

    async def round(self) -> None:
        await self.sender.deliver_due(self.fence)

    def later(self, ms: int) -> None:
        self.office.world.clock.forward(ms)

    async def hook(self, at: int = 0) -> dict[str, object]:
        answer = await self.office.http.get("/hooks")
        found: dict[str, object] = answer.json()["items"][at]
        return found


@pytest.fixture
async def desk(office: Office) -> Desk:
    fence = await Lease(office.world.db, "webhooks", "test").acquire()
    assert fence is not None
    return Desk(office, fence)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    made.start()
    yield made
    made.stop()


def subjects(inbox: Inbox) -> list[object]:
    return [one.body["subject"] for one in inbox.letters]
