"""The tables of alerts: one row an episode from its first breach on, and its story. Nothing reads or writes here."""

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
    Column("progress", Text, nullable=True),                # JSON, how far its telling is; of one that fires
    moment("acked_at", nullable=True),                      # by whom it is taken up, until when (NULL: its end)
    moment("acked_until", nullable=True),
    Column("acked_by", String(128), nullable=False, server_default=""),
    Column("ack_note", Text, nullable=False, server_default=""),
)
Index("ix_alert_tenant_state_started_at", alert.c.tenant, alert.c.state, alert.c.started_at)
Index(                                                      # work done twice fails here: one alert stays
    "uq_alert_open",
    alert.c.tenant, alert.c.rule, alert.c.device, alert.c.check_id,
    unique=True,
    sqlite_where=alert.c.resolved_at.is_(None),
    postgresql_where=alert.c.resolved_at.is_(None),
)

alert_event = Table(
    "alert_event",
    metadata,
    tenant(),
    key("alert", 32),
    key("id", 32),                                          # sorts by time
    moment("at"),
    Column("event", String(16), nullable=False),            # guru_wire.alerting.AlertMoment.event
    Column("who", Text, nullable=False),                    # JSON array of names
    Column("text", Text, nullable=False),
)

# A window that somebody opened by hand: the alerts of its devices are told to nobody before `ends_at`.
maintenance = Table(
    "maintenance",
    metadata,
    tenant(),
    key("id", 32),
    Column("selector", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("started_by", String(128), nullable=False),
    moment("started_at"),
    moment("ends_at"),
    moment("ended_at", nullable=True),
    Column("ended_by", String(128), nullable=False, server_default=""),
    Column("devices", Text, nullable=True),                 # ids as JSON, when it is only for these
)
Index("ix_maintenance_tenant_ends_at", maintenance.c.tenant, maintenance.c.ends_at)
