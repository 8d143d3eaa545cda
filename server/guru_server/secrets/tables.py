"""The table of sealed secrets: ciphertext that one device can open. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, String, Table

from guru_server.store.schema import key, metadata, moment, tenant

sealed = Table(
    "sealed",
    metadata,
    tenant(),
    key("device", 32),
    key("digest"),                                          # SHA-256 of `data`, as the manifest names it
    Column("made_of", String(64), nullable=False),          # of the sealing key and the secrets' fingerprints
    Column("data", LargeBinary, nullable=False),
    moment("at"),
)
Index("ix_sealed_digest", sealed.c.tenant, sealed.c.digest)
