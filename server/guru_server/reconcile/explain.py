"""`guru explain`: who decides about a value of a device, by the sources in force. It writes nothing."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from guru_policy.errors import NotFound
from guru_policy.explaining import explain
from guru_policy.fleet import Sources
from guru_policy.inventory import Device
from guru_server.fleet.reading import known, resolve
from guru_server.gateway.plain import plain
from guru_server.overrides import store as overrides
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.store import in_force
from guru_server.rights.asking import Sight
from guru_server.store.database import Database
from guru_wire.operator import Candidate, Explanation


async def explained(
    db: Database, reconciler: Reconciler, ref: str, path: str, sight: Sight | None = None
) -> Explanation:
    """The value and its candidates, the winner first.

    NotFound for a device that nobody knows or whose customer has nothing in force; InputInvalid for a path
    that is none.
    """
    tenant = reconciler.tenant
    now = reconciler.now()
    device = await db.read(lambda connection: _device(connection, tenant, ref, now, sight))
    before = await db.read(lambda connection: _pair(connection, tenant, device.place.customer))
    if before is None:
        nothing = f"nothing is in force for customer {device.place.customer}"
        raise NotFound(nothing, hint="look at `guru status`")
    fleets = await reconciler.fleets(set(before))
    if not set(before) <= fleets.keys():
        raise NotFound("the revision in force left the repository", hint="look at `guru status`")
    sources = Sources(fleets[before[0]], fleets[before[1]])
    found = await asyncio.to_thread(explain, sources, device, path)
    return Explanation(
        device=device.id,
        path=path,
        value=found.value,
        absent=found.absent,
        candidates=tuple(
            Candidate(
                value=one.value,
                layer=one.layer,
                path=plain(one.origin.path, 500),
                line=one.origin.line,
                column=one.origin.column,
                revision=one.revision,
                action=one.action,
            )
            for one in found.candidates
        ),
    )


def _device(connection: Connection, tenant: str, ref: str, now: int, sight: Sight | None) -> Device:
    found = known(connection, tenant, resolve(connection, tenant, ref, sight)).device
    (device,) = overrides.overridden([found], overrides.in_force(connection, tenant, now, found.id))
    return device


def _pair(connection: Connection, tenant: str, customer: str) -> tuple[str, str] | None:
    """The revisions in force; the newest good ones for a customer that has none of its own."""
    before = in_force(connection, tenant)
    standing = before.standings.get(customer)
    if standing is not None:
        return standing.pair
    return (before.base, before.base) if before.base else None
