"""The tables of webhooks: how far each one is, and what it is to be sent. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

webhook = Table(
    "hook",
    metadata,
    tenant(),
    key("hook", 200),                                       # org/NAME or customers/CUSTOMER/NAME
    Column("digest", String(64), nullable=False),           # of what the repository says of it
    Column("cursor", BigInteger, nullable=False),           # events up to this place have their deliveries
    Column("failures", Integer, nullable=False),            # in a row
    moment("next_try_at", nullable=True),
    moment("failing_since", nullable=True),
    moment("disabled_at", nullable=True),
    moment("last_ok_at", nullable=True),
    Column("error", Text, nullable=False),                  # of the newest try that failed
)

hook_delivery = Table(
    "hook_delivery",
    metadata,
    tenant(),
    key("id", 32),                                          # made of hook and event: never twice
    Column("hook", String(200), nullable=False),
    Column("event", String(32), nullable=False),            # also the webhook-id
    Column("type", String(40), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("urgent", Boolean, nullable=False),              # somebody waits for it: tried once, at once
    Column("attempts", Integer, nullable=False),
    Column("status", Integer, nullable=True),               # of the newest answer
    Column("error", Text, nullable=False),
    moment("created_at"),
    moment("done_at", nullable=True),
    moment("failed_at", nullable=True),
)
Index(
    "ix_hook_delivery_open",
    hook_delivery.c.tenant, hook_delivery.c.hook, hook_delivery.c.seq,
    sqlite_where=hook_delivery.c.done_at.is_(None) & hook_delivery.c.failed_at.is_(None),
    postgresql_where=hook_delivery.c.done_at.is_(None) & hook_delivery.c.failed_at.is_(None),
)
Index("ix_hook_delivery_tenant_created_at", hook_delivery.c.tenant, hook_delivery.c.created_at)
