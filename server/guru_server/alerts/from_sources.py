"""The rules and channels in force, read off the revisions that each customer stands at. It writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from sqlalchemy import Connection, select

from guru_policy.alerting.routing import Routing, routing_of
from guru_policy.alerting.rule import Rule, rules_of
from guru_policy.errors import GuruError
from guru_policy.fleet import Fleet, Sources
from guru_policy.kinds.notification_channel import Email, Webhook
from guru_server.gateway.plain import plain
from guru_server.notify.channels import Channel
from guru_server.reconcile.tables import customer_source
from guru_server.store.binding import whose
from guru_server.store.database import Database

log = logging.getLogger("guru.alerts")

LoadFleets = Callable[[Collection[str]], Awaitable[Mapping[str, Fleet]]]
"""The fleets of these revisions; one that left the repository is not among them."""
Pair = tuple[str, str]


class FromSources:
    """InForce and ChannelsInForce over the table of reconcile. Call `refresh` before looking."""

    def __init__(self, db: Database, load: LoadFleets) -> None:
        self._db, self._load = db, load
        self._complete = False          # whether every revision could be loaded
        self._pairs: Mapping[str, Pair | None] = {}
        self._rules: dict[str, Sequence[Rule]] = {}
        self._routings: dict[str, Routing] = {}
        self._channels: dict[str, Mapping[str, Channel]] = {}

    async def refresh(self) -> None:
        """Take over what is in force now; loads revisions only when they changed.

        While the repository cannot be read, what was in force goes on: alerts must not end with Git.
        """
        pairs = await self._db.read(_pairs)
        if pairs == self._pairs and self._complete:
            return
        try:
            fleets = await self._load({revision for pair in pairs.values() if pair for revision in pair})
        except GuruError as error:
            log.warning("rules and channels are as old as they were: %s", plain(error.message, 500))
            return
        rules: dict[str, Sequence[Rule]] = {}
        routings: dict[str, Routing] = {}
        channels: dict[str, Mapping[str, Channel]] = {}
        for customer, pair in pairs.items():
            if pair and pair[0] in fleets and pair[1] in fleets:
                sources = Sources(fleets[pair[0]], fleets[pair[1]])
                rules[customer] = rules_of(sources, customer)
                routings[customer] = routing_of(sources, customer)
                channels[customer] = {
                    item.name: item.spec
                    for item in sources.channels(customer) if isinstance(item.spec, Webhook | Email)
                }
        self._complete = len(rules) == sum(pair is not None for pair in pairs.values())
        self._pairs, self._rules, self._channels, self._routings = pairs, rules, channels, routings

    def rules_for(self, customer: str) -> Sequence[Rule] | None:
        """The rules; none for a customer that left the repository, None while that cannot be told."""
        gone = bool(self._pairs) and customer not in self._pairs
        return () if gone else self._rules.get(customer)

    def routing_for(self, customer: str) -> Routing | None:
        """How its alerts are told; None for a customer that left the repository, and while it cannot be told."""
        return self._routings.get(customer)

    def channels_for(self, customer: str) -> Mapping[str, Channel] | None:
        """The channels by name; the same way."""
        gone = bool(self._pairs) and customer not in self._pairs
        return {} if gone else self._channels.get(customer)


def _pairs(connection: Connection) -> dict[str, Pair | None]:
    rows = connection.execute(select(customer_source).where(customer_source.c.tenant == whose(connection)))
    return {
        row.customer: (row.org_revision, row.customer_revision)
        if row.org_revision and row.customer_revision else None
        for row in rows
    }
