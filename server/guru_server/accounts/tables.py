"""The tables of people who sign in: credentials, invitations, sessions. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

account = Table(
    "account",
    metadata,
    tenant(),
    key("name", 128),
    Column("role", String(16), nullable=False),             # a fixed role; empty: what bindings give
    Column("password", String(255), nullable=False),        # Argon2id, PHC string; empty: none yet
    Column("totp", Text, nullable=False),                   # the secret, sealed with account.key; empty: none
    Column("totp_step", BigInteger, nullable=False),        # the last step that was used: none is taken twice
    Column("totp_next", Text, nullable=False),              # sealed: one that is being set up
    Column("recovery", Text, nullable=False),               # JSON: sha256 hex of the codes that are left
    Column("locked", String(200), nullable=False),          # why; empty: it is not
    moment("created_at"),
    moment("changed_at"),
)

invitation = Table(
    "invitation",
    metadata,
    tenant(),
    key("id", 16),
    Column("name", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False),           # sha256 hex of the whole code
    Column("created_by", String(128), nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("used_at", nullable=True),
)

user_session = Table(
    "user_session",
    metadata,
    tenant(),
    key("id", 32),
    Column("name", String(128), nullable=False),
    Column("method", String(16), nullable=False),           # password
    Column("client_key", String(64), nullable=False),       # thumbprint that every request has to prove
    Column("client", String(200), nullable=False),          # what the client says of itself
    Column("address", String(64), nullable=False),
    Column("turns", Integer, nullable=False),               # how often it was refreshed
    moment("mfa_at", nullable=True),
    moment("created_at"),
    moment("turned_at"),
    moment("expires_at"),
    moment("ended_at", nullable=True),
    Column("ending", String(200), nullable=False),
    Index(None, "tenant", "name"),
)
