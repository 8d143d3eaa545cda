"""The table of rights: the rulebook in force, beside the revision that it is of. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from guru_server.store.schema import metadata, tenant

rulebook = Table(
    "rulebook",
    metadata,
    tenant(),
    Column("revision", String(40), nullable=False),
    Column("body", Text, nullable=False),                   # guru_policy.access.rulebook.Rulebook as JSON
)
