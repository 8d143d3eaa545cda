"""Sign-ins through a browser that are under way: few, short, bound to the client that began them. No HTTP.

A browser that showed who it is gets a code, good once, for the listener of the client on the same machine. Nobody names
that address later: it is the port that the client gave at the beginning, always on 127.0.0.1 (RFC 8252, 7.3).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Connection, Row, func, select

from guru_policy.errors import NotFound, NotSignedIn
from guru_server.accounts.tables import sign_in_attempt
from guru_server.gateway.plain import plain
from guru_server.identity.rates import TooMany

Way = Literal["passkey", "register", "sso", "device"]
LIFE = 300_000                          # ms
MOST = 1000                             # open at once in a tenant; those who begin together may pass it by a few
MOST_OF_ONE = 5                         # of one client's key


class Wish(NamedTuple):
    """What a client begins. `client_key` is its key's thumbprint; of `register` the session's id."""

    way: Way
    client_key: str
    verifier: str
    state: str = ""
    port: int = 0
    client: str = ""
    address: str = ""
    name: str = ""
    details: dict[str, Any] = {}


class Attempt(NamedTuple):
    """One that goes on. `details` is what its way remembers."""

    id: str
    way: Way
    name: str
    client_key: str
    verifier: str
    port: int
    state: str
    client: str
    address: str
    code: str
    details: dict[str, Any]
    mfa_at: int | None
    expires_at: int

    @property
    def check(self) -> str:
        """Six digits that the client and the page both show, so that nobody goes on with another's attempt."""
        number = int(hashlib.sha256(f"check {self.id}".encode()).hexdigest(), 16) % 1_000_000
        return f"{number // 1000:03d} {number % 1000:03d}"


def begin(connection: Connection, tenant: str, wish: Wish, *, now: int) -> Attempt:
    """A fresh one; TooMany while too many are open. Those that are over are forgotten."""
    table = sign_in_attempt
    connection.execute(table.delete().where(table.c.tenant == tenant, table.c.expires_at <= now))
    counted = select(func.count()).select_from(table).where(table.c.tenant == tenant)
    mine = counted.where(table.c.client_key == wish.client_key)
    if (connection.execute(counted).scalar_one() >= MOST
            or connection.execute(mine).scalar_one() >= MOST_OF_ONE):
        raise TooMany("too many sign-ins are under way", hint="wait five minutes")
    made = Attempt(
        secrets.token_hex(16), wish.way, wish.name, wish.client_key, wish.verifier, wish.port, wish.state,
        plain(wish.client, 200), wish.address[:64], "", wish.details, None, now + LIFE)
    connection.execute(table.insert().values(tenant=tenant, **made._replace(details=_text(made.details))._asdict()))  # type: ignore[arg-type]  # as JSON
    return made


def find(connection: Connection, tenant: str, ident: str, *ways: Way, now: int) -> Attempt:
    """The attempt, as long as nobody has finished it; NotFound."""
    row = connection.execute(select(sign_in_attempt).where(*_mine(tenant, ident)).with_for_update()).one_or_none()
    if row is None or row.way not in ways or row.code or now >= row.expires_at:
        raise NotFound("this sign-in is not known, was finished, or is over", hint="begin again in your terminal")
    return _attempt(row)


def remember(connection: Connection, tenant: str, ident: str, details: dict[str, Any]) -> None:
    """Keep what its way has to remember."""
    connection.execute(sign_in_attempt.update().where(*_mine(tenant, ident)).values(details=_text(details)))


def finish(
    connection: Connection, tenant: str, attempt: Attempt, name: str, details: dict[str, Any], mfa_at: int | None
) -> str:
    """Somebody showed who they are: where their browser goes now, with the code."""
    code = secrets.token_urlsafe(32)
    connection.execute(sign_in_attempt.update().where(*_mine(tenant, attempt.id)).values(
        name=name, code=_digest(code), details=_text(details), mfa_at=mfa_at))
    return f"http://127.0.0.1:{attempt.port}/?{urlencode({'code': code, 'state': attempt.state})}"


def redeem(
    connection: Connection, tenant: str, ident: str, client_key: str, code: str, verifier: str, *way: Way, now: int
) -> Attempt | NotSignedIn:
    """The finished attempt, which is none from now on, whether code and secret were right or not.

    Only the key that began it can spend it; whoever else knows its id changes nothing. A refusal is returned and not
    raised, so that the caller's transaction keeps that it is spent.
    """
    refused = NotSignedIn("this sign-in is not known, was used, or is over", hint="begin again: `guru login`")
    row = connection.execute(select(sign_in_attempt).where(*_mine(tenant, ident)).with_for_update()).one_or_none()
    if row is None or row.way not in way or not hmac.compare_digest(row.client_key, client_key):
        return refused
    connection.execute(sign_in_attempt.delete().where(*_mine(tenant, ident)))
    same = hmac.compare_digest(row.code, _digest(code)) & hmac.compare_digest(row.verifier, challenge_of(verifier))
    return _attempt(row) if same and now < row.expires_at else refused


def by_state(connection: Connection, tenant: str, state: str, way: Way, *, now: int) -> Attempt:
    """The attempt of that state, as long as nobody has finished it; NotFound."""
    query = select(sign_in_attempt.c.id).where(
        sign_in_attempt.c.tenant == tenant, sign_in_attempt.c.state == state, sign_in_attempt.c.way == way)
    return find(connection, tenant, str(connection.execute(query).scalar() or ""), way, now=now)


def collect(
    connection: Connection, tenant: str, ident: str, client_key: str, verifier: str, *, now: int
) -> Attempt | None:
    """A device's attempt, spent, once somebody let it in; None while nobody has. NotSignedIn for any other client."""
    row = connection.execute(select(sign_in_attempt).where(*_mine(tenant, ident)).with_for_update()).one_or_none()
    same = row is not None and hmac.compare_digest(row.client_key, client_key) and hmac.compare_digest(
        row.verifier, challenge_of(verifier))
    if row is None or not same or row.way != "device" or now >= row.expires_at:
        raise NotSignedIn("this sign-in is not known, was used, or is over", hint="begin again: `guru login --device`")
    if not row.code:
        return None
    connection.execute(sign_in_attempt.delete().where(*_mine(tenant, ident)))
    return _attempt(row)


def challenge_of(verifier: str) -> str:
    """RFC 7636, 4.2: S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _mine(tenant: str, ident: str) -> tuple[Any, Any]:
    return sign_in_attempt.c.tenant == tenant, sign_in_attempt.c.id == ident


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        row.id, row.way, row.name, row.client_key, row.verifier, row.port, row.state, row.client, row.address, row.code,
        json.loads(row.details), row.mfa_at, row.expires_at,
    )


def _text(details: dict[str, Any]) -> str:
    return json.dumps(details)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
