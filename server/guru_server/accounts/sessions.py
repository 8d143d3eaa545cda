"""Sessions: opened by a sign-in, prolonged by a refresh token that is good once, ended by anybody who may. No HTTP.

A refresh token names its session and its turn, with a mark that only this server can make: none is stored. One that was
used already ends its session, for somebody has a copy. The exception is the one just before, from the same client's key
and within a minute: then the answer got lost, and the same client asks again.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, select

from guru_policy.access.rulebook import HeldSignIn
from guru_policy.errors import NotFound, NotSignedIn
from guru_server.accounts.sealing import Seal
from guru_server.accounts.tables import user_session
from guru_server.audit.log import record

Method = Literal["password", "passkey", "sso", "device"]
AGAIN = 60_000                          # ms in which a lost answer may be asked for once more
_TOKEN = re.compile(r"gurur_([0-9a-f]{32})_([0-9]{1,9})_([0-9a-f]{64})")
MOST_OF_ONE = 50                        # sessions of one person; the one unused for longest goes


class SignedIn(NamedTuple):
    """Who showed what."""

    name: str
    method: Method
    mfa_at: int | None                  # ms UTC of the second factor
    client_key: str                     # thumbprint
    client: str = ""
    address: str = ""
    provider: str = ""                  # of sso: who vouched
    groups: tuple[str, ...] = ()        # and in which groups they have them


class Opened(NamedTuple):
    """A session and the refresh token that prolongs it, the only time it is known."""

    id: str
    refresh: str
    expires_at: int


class SessionRow(NamedTuple):
    """A session without secrets. Times are ms UTC."""

    id: str
    name: str
    method: Method
    client_key: str
    client: str
    address: str
    mfa_at: int | None
    created_at: int
    turned_at: int
    expires_at: int
    ended_at: int | None
    ending: str
    turns: int = 0
    provider: str = ""
    groups: tuple[str, ...] = ()

    def living(self, now: int, idle: int | None = None) -> bool:
        """Whether it goes on; `idle` in seconds is how long nobody may have used it."""
        fresh = idle is None or now < self.turned_at + idle * 1000
        return self.ended_at is None and now < self.expires_at and fresh


def open_session(
    connection: Connection, tenant: str, who: SignedIn, *, seal: Seal, policy: HeldSignIn, now: int
) -> Opened:
    """Begin one. What is over is forgotten on the way: it has its rows in the audit log."""
    mine = (user_session.c.tenant == tenant, user_session.c.name == who.name)
    rows = connection.execute(select(user_session.c.id).where(*mine, user_session.c.ended_at.is_(None)).order_by(
        user_session.c.turned_at.desc()).offset(MOST_OF_ONE - 1)).scalars().all()
    for old in rows:
        _end(connection, tenant, old, now, "too many")
    long_ago = now - 30 * 86_400_000
    connection.execute(user_session.delete().where(*mine, user_session.c.expires_at < long_ago))
    session = secrets.token_hex(16)
    ends = now + policy.session * 1000
    connection.execute(user_session.insert().values(
        tenant=tenant, id=session, name=who.name, method=who.method,
        client_key=who.client_key, client=who.client[:200], address=who.address[:64], turns=0,
        mfa_at=who.mfa_at, created_at=now, turned_at=now,
        expires_at=ends, ended_at=None, ending="", provider=who.provider, groups=json.dumps(who.groups),
    ))
    factor = "with a second factor" if who.mfa_at else "without a second factor"
    record(connection, now, f"person:{who.name}", "SignedIn", f"session:{session}", f"by {who.method} {factor}",
           address=who.address)
    return Opened(session, _token(seal, session, 0), ends)


def turn(
    connection: Connection, tenant: str, refresh: str, client_key: str, *, seal: Seal, policy: HeldSignIn, now: int
) -> tuple[SessionRow, Opened] | NotSignedIn:
    """The session with a new refresh token in the place of this one.

    What is wrong is returned and not raised, for a copy that shows up ends the session in this transaction.
    """
    found = _TOKEN.fullmatch(refresh)
    if not found or not hmac.compare_digest(refresh, _token(seal, found[1], int(found[2]))):
        return _over("this session is not known here")
    session, number = found[1], int(found[2])
    row = _locked(connection, tenant, session)
    if row is None:
        return _over("this session is not known here")
    held = _row(row)
    if not held.living(now, policy.idle):
        return _over(f"this session is over: {held.ending}" if held.ending else "this session is over")
    again = number == held.turns - 1 and now - held.turned_at <= AGAIN
    if not hmac.compare_digest(held.client_key, client_key):
        return _over("this session belongs to another key")      # whose copy it is, it cannot be used
    if number != held.turns and not again:
        _end(connection, tenant, session, now, "its refresh token was used twice")
        record(connection, now, f"person:{held.name}", "RefreshReused", f"session:{session}",
               "an old refresh token was used: the session is ended")
        return _over("this session was ended: a refresh token was used twice, so somebody has a copy")
    turns = held.turns if again else held.turns + 1
    connection.execute(user_session.update().where(
        user_session.c.tenant == tenant, user_session.c.id == session).values(turned_at=now, turns=turns))
    return held._replace(turned_at=now, turns=turns), Opened(session, _token(seal, session, turns), held.expires_at)


def session_of(connection: Connection, tenant: str, session: str) -> SessionRow | None:
    """The session of that id, over or not."""
    row = connection.execute(select(user_session).where(
        user_session.c.tenant == tenant, user_session.c.id == session)).one_or_none()
    return None if row is None else _row(row)


def sessions(connection: Connection, tenant: str, name: str | None, now: int) -> Sequence[SessionRow]:
    """What goes on now, of one person or of all, the newest use first."""
    mine = [user_session.c.tenant == tenant, *([user_session.c.name == name] if name is not None else [])]
    query = select(user_session).where(*mine, user_session.c.ended_at.is_(None), user_session.c.expires_at > now)
    rows = connection.execute(query.order_by(user_session.c.turned_at.desc(), user_session.c.id))
    return [_row(row) for row in rows]


def end(connection: Connection, tenant: str, session: str, *, now: int, actor: str, why: str) -> None:
    """End it; NotFound when none of that id goes on."""
    row = session_of(connection, tenant, session)
    if row is None or row.ended_at is not None:
        raise NotFound("no session of that id goes on", hint="`guru session list`")
    _end(connection, tenant, session, now, why)
    record(connection, now, actor, "SessionEnded", f"session:{session}", f"of {row.name}: {why}")


def end_all(
    connection: Connection, tenant: str, name: str, *, now: int, actor: str, why: str, but: str = ""
) -> int:
    """End all of a person's sessions, but one; how many there were."""
    found = cut(connection, tenant, name, now=now, why=why, but=but)
    if found:
        record(connection, now, actor, "SessionsEnded", f"person:{name}", f"{found}: {why}")
    return found


def cut(connection: Connection, tenant: str, name: str, *, now: int, why: str, but: str = "") -> int:
    """The same for whoever tells of it themselves."""
    found = [one.id for one in sessions(connection, tenant, name, now) if one.id != but]
    for session in found:
        _end(connection, tenant, session, now, why)
    return len(found)


def stepped_up(connection: Connection, tenant: str, session: str, now: int) -> None:
    """A second factor was shown in it."""
    connection.execute(user_session.update().where(
        user_session.c.tenant == tenant, user_session.c.id == session).values(mfa_at=now))


def _end(connection: Connection, tenant: str, session: str, now: int, why: str) -> None:
    connection.execute(user_session.update().where(
        user_session.c.tenant == tenant, user_session.c.id == session,
    ).values(ended_at=now, ending=why[:200]))


def _locked(connection: Connection, tenant: str, session: str) -> Row[Any] | None:
    """Two that refresh at once take turns: on PostgreSQL by the row, on SQLite by its one writer."""
    query = select(user_session).where(user_session.c.tenant == tenant, user_session.c.id == session)
    return connection.execute(query.with_for_update()).one_or_none()


def _row(row: Row[Any]) -> SessionRow:
    return SessionRow(
        row.id, row.name, row.method, row.client_key, row.client, row.address,
        row.mfa_at, row.created_at, row.turned_at, row.expires_at, row.ended_at, row.ending,
        row.turns, row.provider, tuple(json.loads(row.groups)),
    )


def _token(seal: Seal, session: str, number: int) -> str:
    return f"gurur_{session}_{number}_{seal.mark(f'{session} {number}')}"


def _over(why: str) -> NotSignedIn:
    return NotSignedIn(why, hint="sign in again: `guru login`")
