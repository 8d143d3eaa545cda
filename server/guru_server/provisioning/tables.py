"""The tables of people and groups that identity providers keep here (SCIM). Nothing reads or writes here.

`handle` and `subject` are unique among those that live; a person who was deleted has none, and stays as a tombstone.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

scim_person = Table(
    "scim_person",
    metadata,
    tenant(),
    key("id", 32),
    Column("provider", String(63), nullable=False),         # the IdentityProvider that keeps them here
    Column("name", String(128), nullable=False),            # userName, which is their name here
    Column("external_id", String(256), nullable=False),     # empty: the provider named none
    Column("handle", String(128), nullable=True),           # the name in lower case
    Column("subject", String(320), nullable=True),          # provider and external id
    Column("active", Boolean, nullable=False),
    Column("resource", Text, nullable=False),               # JSON: names and addresses as they were sent
    Column("version", Integer, nullable=False),
    moment("created_at"),
    moment("changed_at"),
    moment("deleted_at", nullable=True),
    Index(None, "tenant", "handle", unique=True),
    Index(None, "tenant", "subject", unique=True),
)

scim_group = Table(
    "scim_group",
    metadata,
    tenant(),
    key("id", 32),
    Column("provider", String(63), nullable=False),
    Column("name", String(256), nullable=False),            # displayName: what `groups` of the provider maps
    Column("external_id", String(256), nullable=False),
    Column("version", Integer, nullable=False),
    moment("created_at"),
    moment("changed_at"),
    Index(None, "tenant", "provider", "name", unique=True),
)

scim_member = Table(
    "scim_member",
    metadata,
    tenant(),
    key("group_id", 32),
    key("person", 32),
    Index(None, "tenant", "person"),
)
