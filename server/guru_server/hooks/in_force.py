"""The Webhooks in force, read off the revisions that the office and each customer stand at. It sends nothing."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from guru_policy.errors import GuruError
from guru_policy.event_types import fits
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device
from guru_policy.kinds.webhook import Webhook
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.selector import Selector
from guru_server.alerts.from_sources import LoadFleets
from guru_server.events.reading import Labels
from guru_server.gateway.plain import plain
from guru_server.reconcile.store import base_in_force
from guru_server.reconcile.tables import customer_source
from guru_server.store.database import Database

log = logging.getLogger("guru.hooks")
TESTED = "webhook.tested"               # goes to whoever is tested, and to nobody else


class Hook(NamedTuple):
    """A Webhook in force. `customer` is empty for the office's own, which hear of everything."""

    name: str                           # org/NAME or customers/CUSTOMER/NAME
    customer: str
    url: str
    sign: str | None
    types: tuple[str, ...]
    selector: Selector
    selector_text: str
    digest: str

    def wants(self, row: Row[Any], device: Device | None, labels: Labels) -> bool:
        """Whether it is to hear of the event; one with a selector only of devices that are there."""
        if row.type == TESTED or not fits(row.type, self.types):
            return False
        if self.customer and row.customer != self.customer:
            return False
        if not self.selector_text:
            return True
        return device is not None and self.selector.matches(
            labels(device), device.place, device.name, id=device.id)


class HooksInForce:
    """What the repository says; call `refresh` before looking. While it cannot be read, what was in force goes on."""

    def __init__(self, db: Database, tenant: str, load: LoadFleets) -> None:
        self._db, self._tenant, self._load = db, tenant, load
        self._seen: Mapping[str, str] | None = None
        self.hooks: Mapping[str, Hook] = {}
        self.known = False              # whether all of it could be read
        self.stale = False              # whether something newer is in force that could not be read

    async def refresh(self) -> None:
        """Take over what is in force now; loads revisions only when they changed."""
        found = await self._db.read(self._revisions)
        if found == self._seen and self.known:
            self.stale = False
            return
        try:
            fleets = await self._load(set(found.values()))
        except GuruError as error:
            log.warning("webhooks are as they were: %s", plain(error.message, 500))
            self.stale = True
            return
        self.stale = False
        self._seen, self.known = found, set(found.values()) <= fleets.keys()
        if self.known:
            self.hooks = {
                hook.name: hook for owner, revision in found.items() for hook in _hooks(fleets[revision], owner)
            }

    def _revisions(self, connection: Connection) -> dict[str, str]:
        """The revision by customer; that of the office by the empty name."""
        base = base_in_force(connection, self._tenant)
        query = select(customer_source.c.customer, customer_source.c.customer_revision).where(
            customer_source.c.tenant == self._tenant, customer_source.c.customer_revision.is_not(None))
        return {**({"": base[0]} if base else {}), **{row[0]: row[1] for row in connection.execute(query)}}


def _hooks(fleet: Fleet, customer: str) -> Iterator[Hook]:
    scope = Scope("customer", customer) if customer else ORG
    for item in fleet.in_scope("Webhook", scope):
        spec = item.spec
        if isinstance(spec, Webhook):
            said: Sequence[object] = (spec.url, spec.sign, spec.events, spec.selector)
            yield Hook(
                f"{scope}/{item.name}", customer, spec.url, spec.sign, spec.events, item.selector, spec.selector,
                hashlib.sha256(json.dumps(said).encode()).hexdigest(),
            )
