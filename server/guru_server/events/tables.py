"""The tables of events: what happened, how far that is numbered, and who was told to be online. Nothing else."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

event = Table(
    "event",
    metadata,
    tenant(),
    key("id", 32),                                          # sorts by the time at which it was written
    Column("seq", BigInteger, nullable=True),               # its place in the stream; none until somebody looks
    moment("at"),
    Column("type", String(40), nullable=False),             # guru_wire.events.TYPES
    Column("subject", String(300), nullable=False),
    Column("device", String(32), nullable=False),           # empty: about none
    Column("job", String(32), nullable=False),
    Column("customer", String(63), nullable=False),         # as it was then
    Column("site", String(63), nullable=False),
    Column("data", Text, nullable=False),                   # JSON
)
Index("ix_event_tenant_seq", event.c.tenant, event.c.seq)
Index("ix_event_tenant_at", event.c.tenant, event.c.at)

event_head = Table(
    "event_head",
    metadata,
    tenant(),
    Column("seq", BigInteger, nullable=False),              # the newest number that was given
    Column("forgotten", BigInteger, nullable=False),        # events up to this number are gone
)

presence = Table(
    "presence",
    metadata,
    tenant(),
    key("device", 32),
    Column("online", Boolean, nullable=False),              # as the newest event says
    moment("since"),
)
