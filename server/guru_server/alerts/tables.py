"""The table of alerts: one row an episode, from its first breach on. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

alert = Table(
    "alert",
    metadata,
    tenant(),
    key("id", 32),
    Column("rule", String(160), nullable=False),            # scope and name: org/disk-full, acme/disk-full
    Column("customer", String(63), nullable=False),
    Column("site", String(63), nullable=False),
    Column("device", String(32), nullable=False),
    Column("device_name", String(63), nullable=False),
    Column("check_id", String(200), nullable=False),
    Column("state", String(8), nullable=False),             # pending | firing | resolved
    Column("check_state", String(8), nullable=False),       # the verdict at the last change of this row
    Column("severity", String(16), nullable=False),
    Column("summary", Text, nullable=False),
    moment("started_at"),
    moment("fired_at", nullable=True),
    moment("cleared_at", nullable=True),
    moment("resolved_at", nullable=True),
    Column("reason", Text, nullable=False),                 # why it was resolved; empty: the check is better
)
Index("ix_alert_tenant_state_started_at", alert.c.tenant, alert.c.state, alert.c.started_at)
Index(                                                      # work done twice fails here: one alert stays
    "uq_alert_open",
    alert.c.tenant, alert.c.rule, alert.c.device, alert.c.check_id,
    unique=True,
    sqlite_where=alert.c.resolved_at.is_(None),
    postgresql_where=alert.c.resolved_at.is_(None),
)
