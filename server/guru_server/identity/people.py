"""Tokens of people and keys of programs: made once, kept as digests, compared in constant time. No HTTP."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, select

from guru_policy.access.asking import Cap, SignIn, Subject
from guru_policy.access.builtin import FIXED_ROLES, FixedRole
from guru_policy.errors import InputInvalid, NotFound, NotSignedIn
from guru_policy.kinds.binding import read_scope
from guru_policy.kinds.role import VERBS
from guru_policy.objects.scopes import ORG
from guru_server.audit.log import record
from guru_server.identity.tables import api_token
from guru_server.tenants.quotas import make_room

Role = FixedRole | Literal[""]          # empty: what the repository's bindings give
ROLES = FIXED_ROLES
Kind = Literal["person", "key", "service", "client", "oauth"]     # oauth: a client's own secret, which signs nobody in
_PREFIX: dict[Kind, str] = {"person": "gurut", "key": "guruk", "service": "gurus", "client": "guruc", "oauth": "guruo"}
_TOKEN = re.compile(r"guru[tksc]_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
MOST_ADDRESSES, MOST_KEY_NAME = 50, 59
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_NOBODY = "0" * 64
USED_EVERY = 60_000                     # ms between two notes of a token's last use


class Limits(NamedTuple):
    """What a token is for at most. Empty `verbs` are all, empty `addresses` anywhere; networks as in CIDR."""

    verbs: tuple[str, ...] = ()
    scope: str = "org"
    addresses: tuple[str, ...] = ()


class Person(NamedTuple):
    """Who sent a request: a person, or a program with a key."""

    token: str                          # the token's id
    name: str
    role: Role
    expires_at: int | None
    note_use: bool = False              # its last use was noted long enough ago
    kind: Kind = "person"
    limits: Limits = Limits()
    session: bool = False               # signed in; `token` is then the session's id
    mfa_at: int | None = None
    set_up: bool = False                # nothing goes before a second factor is set up
    by_code: bool = False               # a sign-in that another one let in: it does not administer
    groups: frozenset[str] = frozenset()    # `group:<name>`, that an identity provider vouches for

    @property
    def actor(self) -> str:
        """Who did something, for the audit log."""
        return f"{self.kind}:{self.name}"

    @property
    def spoken(self) -> str:
        """The name; a key's is never mistaken for a person's."""
        return self.name if self.kind == "person" else self.actor

    @property
    def subject(self) -> Subject:
        """Who that is to a decision."""
        scope = ORG if self.limits.scope == "org" else read_scope(self.limits.scope)
        name = f"user:{self.name}" if self.kind == "person" else self.actor
        here: SignIn = "device" if self.by_code else "person"
        sign_in: SignIn = "key" if self.kind != "person" else here if self.session else "token"
        return Subject(frozenset({name}), sign_in, self.mfa_at, Cap(frozenset(self.limits.verbs), scope))


class TokenRow(NamedTuple):
    """A token without its secret. Times are ms UTC."""

    id: str
    name: str
    role: Role
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    kind: Kind = "person"
    limits: Limits = Limits()
    created_by: str = ""

    def good(self, now: int) -> bool:
        """Whether somebody can sign in with it."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def actor_named(spoken: str) -> str:
    """The actor of Person.spoken."""
    return spoken if ":" in spoken else f"person:{spoken}"


def create(
    connection: Connection, tenant: str, name: str, role: Role, *, now: int, ttl: int | None, actor: str,
    kind: Kind = "person", limits: Limits = Limits(), parent: str = "",  # noqa: B008 - immutable
) -> str:
    """Make a token and return its text, the only time it is known; `ttl` is in seconds, None: no end.

    InputInvalid for a name that is none, and for limits that make no sense.
    """
    if not _NAME.fullmatch(name) or (kind != "person" and len(name) > MOST_KEY_NAME):
        raise InputInvalid(f"{name[:64]!r} cannot be a person's name", hint="letters, digits and . _ @ -")
    checked = check_limits(limits)
    if kind == "key":
        make_room(connection, "keys", lambda: sum(one.good(now) for one in tokens(connection, tenant, "key")))
    token_id = secrets.token_hex(8)
    text = f"{_PREFIX[kind]}_{token_id}_{secrets.token_urlsafe(32)}"
    connection.execute(api_token.insert().values(
        tenant=tenant, id=token_id, name=name, role=role, digest=_digest(text), created_at=now, kind=kind,
        verbs=json.dumps(checked.verbs), scope=checked.scope, addresses=json.dumps(checked.addresses),
        expires_at=None if ttl is None else now + ttl * 1000, revoked_at=None, last_used_at=None,
        created_by=actor[:128], parent=parent,
    ))
    record(connection, now, actor, "TokenCreated", f"token:{token_id}", f"{kind} {name} as {role or 'bindings say'}")
    return text


def check_limits(limits: Limits) -> Limits:
    """The limits with networks in their one form; InputInvalid for a verb, scope or network that is none."""
    unknown = [verb for verb in limits.verbs if verb not in VERBS]
    if unknown:
        raise InputInvalid(f"{unknown[0][:64]!r} is not a verb", hint="such as device.read: docs/kinds/role.md")
    if limits.scope != "org":
        try:
            read_scope(limits.scope)
        except ValueError as cause:
            raise InputInvalid(
                f"{limits.scope[:200]!r} is not a scope", hint="org, customers/<c> or customers/<c>/sites/<s>"
            ) from cause
    if len(limits.addresses) > MOST_ADDRESSES:
        raise InputInvalid(f"a token has {MOST_ADDRESSES} addresses at most")
    try:
        networks = tuple(str(ipaddress.ip_network(text.strip(), strict=False)) for text in limits.addresses)
    except ValueError as cause:
        raise InputInvalid("an address is not one", hint="write 203.0.113.7 or 2001:db8::/32") from cause
    return Limits(tuple(sorted(set(limits.verbs))), limits.scope, networks)


def sign_in(connection: Connection, tenant: str, text: str, now: int, host: str = "") -> Person:
    """Whose token this is; NotSignedIn, with the reason only for whoever holds the right secret.

    `host` is the address that the request comes from.
    """
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
    if row.parent and not _goes_on(connection, tenant, row.parent, now):
        raise NotSignedIn("the client of this token was revoked or is over", hint="ask for a new one")
    limits = _limits(row)
    if limits.addresses and not _within(host, limits.addresses):
        raise NotSignedIn("this token is not good from this address", hint="use it where it is meant to be used")
    stale = row.last_used_at is None or now - row.last_used_at >= USED_EVERY
    return Person(row.id, row.name, row.role, row.expires_at, stale, row.kind, limits)


def note_use(connection: Connection, tenant: str, token_id: str, now: int) -> None:
    """Keep when the token was last used."""
    mine = (api_token.c.tenant == tenant, api_token.c.id == token_id)
    connection.execute(api_token.update().where(*mine).values(last_used_at=now))


def tokens(connection: Connection, tenant: str, kind: Kind | None = None) -> list[TokenRow]:
    """Every token, the oldest first."""
    here = [api_token.c.tenant == tenant, *([api_token.c.kind == kind] if kind else [])]
    query = select(api_token).where(*here).order_by(api_token.c.created_at, api_token.c.id)
    return [
        TokenRow(
            row.id, row.name, row.role, row.created_at, row.expires_at, row.revoked_at, row.last_used_at,
            row.kind, _limits(row), row.created_by,
        )
        for row in connection.execute(query)
    ]


def revoke(connection: Connection, tenant: str, token_id: str, *, now: int, actor: str) -> None:
    """End a token for good; NotFound when there is none of that id."""
    mine = (api_token.c.tenant == tenant, api_token.c.id == token_id, api_token.c.revoked_at.is_(None))
    if not connection.execute(api_token.update().where(*mine).values(revoked_at=now)).rowcount:
        raise NotFound(f"no living token has the id {token_id[:32]}", hint="`guru-server token list`")
    record(connection, now, actor, "TokenRevoked", f"token:{token_id}")


def _goes_on(connection: Connection, tenant: str, parent: str, now: int) -> bool:
    row = connection.execute(select(api_token.c.revoked_at, api_token.c.expires_at).where(
        api_token.c.tenant == tenant, api_token.c.id == parent)).one_or_none()
    return row is not None and row.revoked_at is None and (row.expires_at is None or now < row.expires_at)


def client_of(
    connection: Connection, tenant: str, client: str, secret: str, now: int, host: str
) -> TokenRow | None:
    """The OAuth client whose secret that is, when it is good now and from here; None."""
    row = connection.execute(select(api_token).where(
        api_token.c.tenant == tenant, api_token.c.id == client, api_token.c.kind == "oauth")).one_or_none()
    same = hmac.compare_digest(row.digest if row else _NOBODY, _digest(secret))
    if row is None or not same or not _goes_on(connection, tenant, client, now):
        return None
    limits = _limits(row)
    if limits.addresses and not _within(host, limits.addresses):
        return None
    return TokenRow(row.id, row.name, row.role, row.created_at, row.expires_at, row.revoked_at, row.last_used_at,
                    row.kind, limits, row.created_by)


def _limits(row: Row[Any]) -> Limits:
    return Limits(tuple(json.loads(row.verbs)), row.scope, tuple(json.loads(row.addresses)))


def _within(host: str, networks: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(network) for network in networks)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
