"""The store's own table: leases. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from guru_server.store.schema import key, metadata, tenant

lease = Table(
    "lease",
    metadata,
    tenant(),
    key("name"),
    Column("owner", String(64), nullable=False),            # empty: nobody holds it
    Column("fence", BigInteger, nullable=False),            # grows with every change of hands
    Column("beats", BigInteger, nullable=False),            # grows with every renewal
)
