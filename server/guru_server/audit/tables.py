"""The audit log's table: rows are only ever added. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from guru_server.store.schema import key, metadata, moment, tenant

audit = Table(
    "audit",
    metadata,
    tenant(),
    key("id", 32),                                          # 16 hex digits of time, 16 of chance
    moment("at"),
    Column("actor", String(128), nullable=False),           # person:NAME | token:ID | device:ID | server
    Column("action", String(64), nullable=False),           # DeviceEnrolled, LabelsChanged, ...
    Column("object", String(256), nullable=False),
    Column("result", String(512), nullable=False),
)
