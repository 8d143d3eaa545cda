"""The tables of people who sign in: credentials, invitations, attempts, sessions. Nothing reads or writes here."""

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
    moment("left_at", nullable=True),                       # when the repository took the Person out
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
    Column("method", String(16), nullable=False),           # password | passkey | sso | device
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
    Column("provider", String(63), nullable=False, server_default=""),      # who vouched, of sso
    Column("groups", Text, nullable=False, server_default="[]"),            # JSON: the provider's names of them
    Index(None, "tenant", "name"),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    tenant(),
    key("id", 32),
    Column("way", String(8), nullable=False),               # passkey | register | sso | device
    Column("name", String(128), nullable=False),            # who it is; empty until that is known
    Column("client_key", String(64), nullable=False),       # thumbprint of who began; of register the session's id
    Column("verifier", String(64), nullable=False),         # SHA-256 in base64url of the client's secret (RFC 7636)
    Column("port", Integer, nullable=False),                # of the client's listener on loopback
    Column("state", String(64), nullable=False),            # the client's own word, given back
    Column("client", String(200), nullable=False),          # what it says of itself
    Column("address", String(64), nullable=False),
    Column("code", String(64), nullable=False),             # sha256 hex of the one-time code; empty: not done yet
    Column("details", Text, nullable=False),                # JSON: what the way has to remember
    moment("mfa_at", nullable=True),
    moment("expires_at"),
    Index(None, "tenant", "expires_at"),
)
