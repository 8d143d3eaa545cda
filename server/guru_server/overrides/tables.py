"""The table of overrides: those in force, and those that ended lately. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

override = Table(
    "override",
    metadata,
    tenant(),
    key("id", 16),                                          # of the deed: one for all its paths and devices
    key("device", 32),
    key("path", 200),
    Column("value", Text, nullable=False),                  # JSON
    Column("actor", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    moment("set_at"),
    moment("expires_at"),                                   # never absent: no override is for ever
    moment("ended_at", nullable=True),
    Column("ending", String(16), nullable=False),           # operator.OverrideRow.ending
    Column("unfit", Text, nullable=False, server_default=""),       # why the device goes without it
)
Index(                                                  # one a path, and the way to all that have not ended
    "uq_override_path",
    override.c.tenant, override.c.device, override.c.path,
    unique=True,
    sqlite_where=override.c.ended_at.is_(None),
    postgresql_where=override.c.ended_at.is_(None),
)
