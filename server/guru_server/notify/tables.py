"""The outbox of notifications: one row an alert, event, step, round and receiver. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

notification = Table(
    "notification",
    metadata,
    tenant(),
    key("id", 32),                                          # made of all that says what it is: never twice
    Column("alert", String(32), nullable=False),
    Column("customer", String(63), nullable=False),
    Column("channel", String(254), nullable=False),         # a channel's name, or an e-mail address
    Column("event", String(8), nullable=False),             # firing | resolved
    Column("payload", Text, nullable=False),                # JSON, what every channel tells
    moment("created_at"),
    Column("attempts", Integer, nullable=False),
    moment("next_try_at"),
    moment("done_at", nullable=True),
    moment("failed_at", nullable=True),
    Column("error", Text, nullable=False),                  # of the last attempt
    Column("step", String(200), nullable=False, server_default=""),         # of an escalation; empty: by the rule
    Column("round", Integer, nullable=False, server_default="0"),
)
Index("ix_notification_tenant_alert", notification.c.tenant, notification.c.alert)
Index(
    "ix_notification_waiting",
    notification.c.tenant, notification.c.next_try_at,
    sqlite_where=notification.c.done_at.is_(None) & notification.c.failed_at.is_(None),
    postgresql_where=notification.c.done_at.is_(None) & notification.c.failed_at.is_(None),
)
