"""Tokens of people: made once, kept as digests, compared in constant time. No HTTP."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, select

from guru_policy.errors import InputInvalid, NotFound, NotSignedIn
from guru_server.audit.log import record
from guru_server.identity.tables import api_token

Role = Literal["admin", "operator", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)
_TOKEN = re.compile(r"gurut_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_NOBODY = "0" * 64
USED_EVERY = 60_000                     # ms between two notes of a token's last use


class Person(NamedTuple):
    """Who sent a request."""

    token: str                          # the token's id
    name: str
    role: Role
    expires_at: int | None
    note_use: bool = False              # its last use was noted long enough ago


class TokenRow(NamedTuple):
    """A token without its secret. Times are ms UTC."""

    id: str
    name: str
    role: Role
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None

    def good(self, now: int) -> bool:
        """Whether somebody can sign in with it."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create(
    connection: Connection, tenant: str, name: str, role: Role, *, now: int, ttl: int | None, actor: str
) -> str:
    """Make a token and return its text, the only time it is known; `ttl` is in seconds, None: no end."""
    if not _NAME.fullmatch(name):
        raise InputInvalid(f"{name[:64]!r} cannot be a person's name", hint="letters, digits and . _ @ -")
    token_id = secrets.token_hex(8)
    text = f"gurut_{token_id}_{secrets.token_urlsafe(32)}"
    connection.execute(api_token.insert().values(
        tenant=tenant, id=token_id, name=name, role=role, digest=_digest(text), created_at=now,
        expires_at=None if ttl is None else now + ttl * 1000, revoked_at=None, last_used_at=None,
    ))
    record(connection, now, actor, "TokenCreated", f"token:{token_id}", f"{name} as {role}")
    return text


def sign_in(connection: Connection, tenant: str, text: str, now: int) -> Person:
    """Whose token this is; NotSignedIn, with the reason only for whoever holds the right secret."""
    found = _TOKEN.fullmatch(text)
    row = None
    if found:
        query = select(api_token).where(api_token.c.tenant == tenant, api_token.c.id == found[1])
        row = connection.execute(query).one_or_none()
    same = hmac.compare_digest(row.digest if row else _NOBODY, _digest(text))
    if row is None or not same:
        raise NotSignedIn("this token is not known here", hint="sign in again: `guru login`")
    if row.revoked_at is not None:
        raise NotSignedIn("this token was revoked", hint="ask for a new one, then `guru login`")
    if row.expires_at is not None and now >= row.expires_at:
        raise NotSignedIn("this token expired", hint="ask for a new one, then `guru login`")
    stale = row.last_used_at is None or now - row.last_used_at >= USED_EVERY
    return Person(row.id, row.name, row.role, row.expires_at, stale)


def note_use(connection: Connection, tenant: str, token_id: str, now: int) -> None:
    """Keep when the token was last used."""
    mine = (api_token.c.tenant == tenant, api_token.c.id == token_id)
    connection.execute(api_token.update().where(*mine).values(last_used_at=now))


def tokens(connection: Connection, tenant: str) -> list[TokenRow]:
    """Every token, the oldest first."""
    columns = [api_token.c[field] for field in TokenRow._fields]
    query = select(*columns).where(api_token.c.tenant == tenant)
    rows = connection.execute(query.order_by(api_token.c.created_at, api_token.c.id))
    return [TokenRow(*row) for row in rows]


def revoke(connection: Connection, tenant: str, token_id: str, *, now: int, actor: str) -> None:
    """End a token for good; NotFound when there is none of that id."""
    mine = (api_token.c.tenant == tenant, api_token.c.id == token_id, api_token.c.revoked_at.is_(None))
    if not connection.execute(api_token.update().where(*mine).values(revoked_at=now)).rowcount:
        raise NotFound(f"no living token has the id {token_id[:32]}", hint="`guru-server token list`")
    record(connection, now, actor, "TokenRevoked", f"token:{token_id}")


def may(role: Role, method: str, path: str) -> bool:
    """Whether a role may send this request: viewers look and plan, operators work, admins also take devices away.
    """
    if method in ("GET", "HEAD") or (method, path) == ("POST", "/api/v1/plans"):
        return True
    if role == "operator":
        return not (method == "DELETE" and path.startswith("/api/v1/devices/"))
    return role == "admin"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
