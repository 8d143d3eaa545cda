"""The table of answers that are given again to whoever repeats a request. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

kept_answer = Table(
    "kept_answer",
    metadata,
    tenant(),
    key("actor", 200),
    key("digest"),                                          # sha256 hex of the Idempotency-Key
    Column("request", String(64), nullable=False),          # sha256 hex of what was asked
    Column("attempt", String(32), nullable=False),          # who works on it now: a number drawn for each try
    Column("state", String(8), nullable=False),             # begun | done | kept
    Column("status", Integer, nullable=False, server_default="0"),
    Column("sealed", Text, nullable=False, server_default=""),      # the answer, encrypted by the key itself
    moment("begun_at"),
    moment("ends_at"),
)
Index(None, kept_answer.c.tenant, kept_answer.c.ends_at)
