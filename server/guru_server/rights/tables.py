"""The tables of rights: the rulebook in force, acts that wait, grants. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

rulebook = Table(
    "rulebook",
    metadata,
    tenant(),
    Column("revision", String(40), nullable=False),
    Column("body", Text, nullable=False),                   # guru_policy.access.rulebook.Rulebook as JSON
)

approval = Table(
    "approval",
    metadata,
    tenant(),
    key("id", 12),
    Column("actor", String(128), nullable=False),
    Column("owner", String(128), nullable=False),           # the person behind it: who made a key
    Column("sender", Text, nullable=False),                 # guru_server.rights.waiting.Sender as JSON
    Column("verb", String(64), nullable=False),
    Column("about", String(256), nullable=False),           # for people
    Column("command_class", String(64), nullable=True),
    Column("role", String(64), nullable=False),             # of those who may agree; empty: no role asked for
    Column("targets", Text, nullable=False),                # JSON: level, customer, site, name, id of each
    Column("digest", String(64), nullable=False),           # sha256 hex of verb, class and targets
    Column("method", String(8), nullable=False),
    Column("path", String(1000), nullable=False),
    Column("query", String(2000), nullable=False),
    Column("content_type", String(128), nullable=False),
    Column("body", LargeBinary, nullable=False),            # empty once it is decided
    Column("asked", String(64), nullable=False),            # sha256 hex of method, path, query and body
    Column("ticket", String(64), nullable=False),
    Column("state", String(10), nullable=False),            # pending | approved | denied | failed
    moment("created_at"),
    moment("expires_at"),
    Column("decided_by", String(128), nullable=False),
    moment("decided_at", nullable=True),
    Column("why", String(500), nullable=False),
    Column("status", Integer, nullable=False),              # of HTTP; 0: it did not run
    Column("answer", Text, nullable=False),                 # the start of what it said
)
Index("ix_approval_tenant_created_at", approval.c.tenant, approval.c.created_at)

access_grant = Table(
    "access_grant",
    metadata,
    tenant(),
    key("id", 12),
    Column("kind", String(12), nullable=False),             # request | break-glass
    Column("name", String(128), nullable=False),            # of the user
    Column("verb", String(64), nullable=False),             # empty: `role`
    Column("role", String(64), nullable=False),
    Column("scope", String(200), nullable=False),
    Column("selector", String(2000), nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("state", String(10), nullable=False),            # pending | granted | denied | revoked
    moment("created_at"),
    moment("expires_at"),                                   # pending: nobody decides after; granted: it ends
    Column("decided_by", String(128), nullable=False),
    moment("decided_at", nullable=True),
    Column("why", String(500), nullable=False),
    Column("reviewed_by", String(128), nullable=False),
    moment("reviewed_at", nullable=True),
    moment("told_at", nullable=True),                       # break-glass: when its alert went to the outbox
)
Index("ix_access_grant_tenant_name", access_grant.c.tenant, access_grant.c.name)
Index("ix_access_grant_tenant_created_at", access_grant.c.tenant, access_grant.c.created_at)
