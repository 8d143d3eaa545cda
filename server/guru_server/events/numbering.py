"""Gives events their places in the stream, and lets old ones go. It decides nothing about who sees them.

Only what is committed gets a number, under a lock of the tenant's head: whoever reads up to a number has read all that
will ever stand before it, whatever was written at the same time.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text

from guru_server.events.tables import event, event_head

AT_ONCE = 2_000                         # events numbered, or forgotten, in one transaction
_FIRST = text("INSERT INTO event_head (tenant, seq, forgotten) VALUES (:tenant, 0, 0) ON CONFLICT DO NOTHING")
_NUMBER = text("UPDATE event SET seq = :seq WHERE tenant = :tenant AND id = :id")


def unnumbered(connection: Connection, tenant: str) -> bool:
    """Whether something happened that has no place yet."""
    query = select(event.c.id).where(event.c.tenant == tenant, event.c.seq.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def number(connection: Connection, tenant: str) -> int:
    """Give the next places, in the order of time as far as that is known; how many."""
    connection.execute(_FIRST, {"tenant": tenant})
    here = event_head.c.tenant == tenant
    seq = connection.execute(select(event_head.c.seq).where(here).with_for_update()).scalar_one()
    waiting = select(event.c.id).where(event.c.tenant == tenant, event.c.seq.is_(None))
    ids = connection.execute(waiting.order_by(event.c.id).limit(AT_ONCE)).scalars().all()
    if ids:
        connection.execute(_NUMBER, [
            {"tenant": tenant, "id": one, "seq": seq + place} for place, one in enumerate(ids, 1)
        ])
        connection.execute(event_head.update().where(here).values(seq=seq + len(ids)))
    return len(ids)


def bounds(connection: Connection, tenant: str) -> tuple[int, int]:
    """Up to which number events are gone, and the newest number."""
    row = connection.execute(select(event_head).where(event_head.c.tenant == tenant)).one_or_none()
    return (row.forgotten, row.seq) if row is not None else (0, 0)


def forget(connection: Connection, tenant: str, before: int, rows: int) -> int:
    """Drop some events that are older than a time, and those beyond the newest `rows`; how many."""
    number(connection, tenant)
    here = event_head.c.tenant == tenant
    head = connection.execute(select(event_head).where(here).with_for_update()).one()
    young = select(func.min(event.c.seq)).where(event.c.tenant == tenant, event.c.at >= before)
    first = connection.execute(young).scalar()
    up_to = max(head.seq - rows, (first - 1) if first is not None else head.seq)
    up_to = min(up_to, head.forgotten + AT_ONCE)
    if up_to <= head.forgotten:
        return 0
    old = (event.c.tenant == tenant, event.c.seq <= up_to)
    gone = connection.execute(event.delete().where(*old)).rowcount
    connection.execute(event_head.update().where(here).values(forgotten=up_to))
    return gone
