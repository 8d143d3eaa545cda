"""The table of tenants. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from guru_server.store.schema import metadata, moment, tenant

tenants = Table(
    "tenant",
    metadata,
    tenant(),                                               # its name: all of the key
    Column("state", String(12), nullable=False),            # active | suspended | deleting
    Column("quotas", Text, nullable=False),                 # JSON of guru_server.tenants.quotas.Quotas
    moment("created_at"),
    moment("changed_at"),
)
