"""The tables of passkeys: what is registered, and which ceremonies are open. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from guru_server.store.schema import key, metadata, moment, tenant

passkey = Table(
    "passkey",
    metadata,
    tenant(),
    key("id"),                                              # sha256 hex of the credential's id
    Column("name", String(128), nullable=False),            # whose
    Column("label", String(64), nullable=False),
    Column("credential", Text, nullable=False),             # the credential's id, base64url
    Column("public_key", Text, nullable=False),             # COSE, base64url
    Column("sign_count", BigInteger, nullable=False),       # 0: this authenticator does not count
    moment("created_at"),
    moment("used_at", nullable=True),
    Index(None, "tenant", "name"),
)

passkey_challenge = Table(
    "passkey_challenge",
    metadata,
    tenant(),
    key("id", 32),
    Column("purpose", String(8), nullable=False),           # register | sign-in
    Column("name", String(128), nullable=False),            # who registers; empty when somebody signs in
    Column("challenge", String(64), nullable=False),        # base64
    moment("expires_at"),
    Index(None, "tenant", "expires_at"),
)
