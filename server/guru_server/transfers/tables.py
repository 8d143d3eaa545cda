"""The tables of transfers: what is on its way between people and devices, for hours at most. Nothing else."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from guru_server.store.schema import key, metadata, moment, tenant

transfer = Table(
    "transfer",
    metadata,
    tenant(),
    key("id", 32),
    Column("actor", String(128), nullable=False),
    Column("way", String(4), nullable=False),               # put: a person fills it; send: a device does
    Column("device", String(32), nullable=False),           # of a send: the one that fills it; empty: none yet
    Column("size", BigInteger, nullable=True),              # of a send: once it is whole
    Column("sha256", String(64), nullable=False),           # the same
    Column("chunks", Integer, nullable=False),              # that are here, from 0 on
    Column("bytes", BigInteger, nullable=False),            # that are here
    Column("reserved", BigInteger, nullable=False),         # of what its tenant may have
    Column("state", String(8), nullable=False),             # filling | whole | failed | gone
    moment("created_at"),
    moment("used_at"),
)
Index("ix_transfer_tenant_used_at", transfer.c.tenant, transfer.c.used_at)

transfer_chunk = Table(
    "transfer_chunk",
    metadata,
    tenant(),
    key("transfer", 32),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

transfer_use = Table(
    "transfer_use",
    metadata,
    tenant(),
    key("transfer", 32),
    key("job", 32),
)
