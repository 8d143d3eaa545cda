"""The gateway's one table: how far each spool of each device is stored. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from guru_server.store.schema import metadata

ingest_mark = Table(
    "ingest_mark",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("spool", String(32), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),               # ms UTC of the last change: old ones are dropped
    sqlite_with_rowid=False,
)
