"""The tables of gitops: webhook deliveries seen, and how fetching goes. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    tenant(),
    key("forge", 16),
    key("delivery", 128),
    moment("seen_at"),
)

# One row, written when the answer changes and never by a fetch that finds nothing new.
fetch_state = Table(
    "fetch_state",
    metadata,
    tenant(),
    Column("error", Text, nullable=False),                  # empty: the last fetch went well
    moment("since"),
)
