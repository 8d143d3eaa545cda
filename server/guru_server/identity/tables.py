"""The tables of identity: tokens of people and of enrolment, as digests. Nothing reads or writes here."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, String, Table, Text, false

from guru_server.store.schema import key, metadata, moment, tenant

api_token = Table(
    "api_token",
    metadata,
    tenant(),
    key("id", 16),
    Column("name", String(63), nullable=False),
    Column("role", String(16), nullable=False),             # admin | operator | viewer; empty: by bindings
    Column("kind", String(8), nullable=False, server_default="person"),     # person, key, service, client or oauth
    Column("verbs", Text, nullable=False, server_default="[]"),     # JSON: all it is for; empty: everything
    Column("scope", String(200), nullable=False, server_default="org"),
    Column("addresses", Text, nullable=False, server_default="[]"),     # JSON: networks; empty: from anywhere
    Column("created_by", String(128), nullable=False, server_default=""),
    Column("parent", String(16), nullable=False, server_default=""),    # of client: the oauth row; it ends with that
    Column("digest", String(64), nullable=False),           # sha256 hex of the whole token
    moment("created_at"),
    moment("expires_at", nullable=True),
    moment("revoked_at", nullable=True),
    moment("last_used_at", nullable=True),
)

enrolment_token = Table(
    "enrolment_token",
    metadata,
    tenant(),
    key("id", 16),
    Column("digest", String(64), nullable=False),           # sha256 hex of the secret
    Column("customer", String(63), nullable=False),
    Column("site", String(63), nullable=False),
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("created_by", String(63), nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("revoked_at", nullable=True),
    Column("labels", Text, nullable=False, server_default="{}"),        # JSON object: op/ labels of its devices
    Column("addresses", Text, nullable=False, server_default="[]"),     # JSON: networks; from elsewhere they wait
    Column("approve", Boolean, nullable=False, server_default=false()), # everybody waits to be let in
    Column("sealed", Boolean, nullable=False, server_default=false()),  # for keys that a TPM seals alone
)

token_address = Table(
    "token_address",
    metadata,
    tenant(),
    key("token"),
    key("address"),                                         # where the token was used, an IPv6 network as one
    moment("first_at"),
)
