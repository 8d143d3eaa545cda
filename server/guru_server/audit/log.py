"""Appends to the audit log, in the transaction of what it tells about; it never changes or deletes a row.

What is an event, too (guru_server.events.deeds), is noted for the stream in the same transaction.

A tenant's rows are a hash chain (guru_wire.audit_chain). Whoever appends holds the chain's head until the
transaction ends: append last in a transaction, and never on the way of what devices send.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from guru_policy.text.flattening import plain
from guru_server.audit.tables import audit, audit_head
from guru_server.events.deeds import happening
from guru_server.events.noting import note
from guru_server.store.binding import whose
from guru_wire.audit_chain import GENESIS, Entry, Position, chained

_FIRST = text(
    "INSERT INTO audit_head (tenant, seq, hash, root) VALUES (:tenant, 0, :hash, 0) ON CONFLICT DO NOTHING"
)


class Deed(NamedTuple):
    """What one row tells. Texts may be of any length and from anybody: they are cut and made safe."""

    actor: str
    action: str
    about: str
    result: str = "done"
    device: str = ""
    customer: str = ""
    revision: str = ""
    rule: str = ""
    request: str = ""
    address: str = ""


def record(
    connection: Connection,
    now: int,
    actor: str,
    action: str,
    about: str,
    result: str = "done",
    *,
    device: str = "",
    customer: str = "",
    revision: str = "",
    rule: str = "",
    request: str = "",
    address: str = "",
    tenant: str = "",
) -> None:
    """Note that `actor` did `action` to `about` at `now` (ms UTC), in the log of the connection's tenant."""
    deed = Deed(actor, action, about, result, device, customer, revision, rule, request, address)
    append(connection, now, [deed], tenant)


def append(connection: Connection, now: int, deeds: Iterable[Deed], tenant: str = "") -> None:
    """Note several deeds at once: one hold of the chain's head, however many there are."""
    tenant = tenant or whose(connection)
    done = list(deeds)
    if not done:
        return
    note(connection, tenant, now, filter(None, map(happening, done)))
    entries = [_entry(tenant, now, deed) for deed in done]
    made, at = chained(_held(connection, tenant), entries)
    connection.execute(audit.insert(), [entry._asdict() for entry in made])
    here = audit_head.c.tenant == tenant
    connection.execute(audit_head.update().where(here).values(seq=at.seq, hash=at.hash))


def _held(connection: Connection, tenant: str) -> Position:
    """Where the chain stands; on PostgreSQL nobody else appends until this transaction ends."""
    query = select(audit_head.c.seq, audit_head.c.hash).where(audit_head.c.tenant == tenant).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        connection.execute(_FIRST, {"tenant": tenant, "hash": GENESIS})
        row = connection.execute(query).one()
    return Position(row.seq, row.hash)


def _entry(tenant: str, now: int, deed: Deed) -> Entry:
    return Entry(
        tenant=tenant, seq=0, at=now, actor=plain(deed.actor, 128), action=plain(deed.action, 64),
        object=plain(deed.about, 256), result=plain(deed.result, 512), device=plain(deed.device, 64),
        customer=plain(deed.customer, 64), revision=plain(deed.revision, 40), rule=plain(deed.rule, 256),
        request=plain(deed.request, 64), address=plain(deed.address, 64),
    )
