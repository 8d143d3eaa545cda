"""Those whom the repository names no more: out at once, without credentials a day later. It never asks anybody.

The day is for whoever took somebody out by mistake: a Person who comes back within it has lost sessions, no password.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from guru_policy.access.rulebook import Rulebook
from guru_server.accounts import accounts, sessions
from guru_server.accounts.tables import account, invitation, sign_in_attempt
from guru_server.audit.log import Deed, append
from guru_server.passkeys import keeping
from guru_server.provisioning import people as provisioned

GRACE = 86_400_000                      # ms
AT_ONCE = 100


def moved(connection: Connection, tenant: str, before: Rulebook, after: Rulebook, now: int) -> None:
    """End the sessions of everybody who is in no Person any more, and let those in again who came back.

    A fixed role does not come from the repository, and whoever has one stays. A Person of the name of somebody whom an
    identity provider keeps here is another one, so those sessions end, too.
    """
    here = {one.name for one in after.users}
    waiting = connection.execute(select(account.c.name).where(
        account.c.tenant == tenant, account.c.left_at.is_not(None))).scalars()
    for name in sorted(here.intersection(waiting)):
        _left(connection, tenant, name, None)
    taken = here.difference(one.name for one in before.users)
    told = [_outed(connection, tenant, name, now, after.revision) for name in sorted(taken)
            if provisioned.named(connection, tenant, name) is not None]
    for name in sorted({one.name for one in before.users} - here):
        found = accounts.find(connection, tenant, name)
        if found is not None and found.role:
            continue
        _left(connection, tenant, name, now)
        _uninvite(connection, tenant, name, now)
        told.append(_outed(connection, tenant, name, now, after.revision))
    append(connection, now, told, tenant)


def forget(connection: Connection, tenant: str, now: int) -> int:
    """Delete what those sign in by who left a day ago; how many, not more than AT_ONCE."""
    names = connection.execute(select(account.c.name).where(
        account.c.tenant == tenant, account.c.left_at <= now - GRACE, account.c.role == "",
    ).order_by(account.c.name).limit(AT_ONCE)).scalars().all()
    for name in names:
        drop(connection, tenant, name, now)
    append(connection, now, [Deed(
        "server", "CredentialsDeleted", f"person:{name}", "password, second factor, recovery codes and passkeys",
    ) for name in names], tenant)
    return len(names)


def drop(connection: Connection, tenant: str, name: str, now: int) -> None:
    """Delete the account with all that it signs in by. Whoever calls this ends sessions, and tells why."""
    keeping.forget_all(connection, tenant, name)
    _uninvite(connection, tenant, name, now)
    connection.execute(account.delete().where(account.c.tenant == tenant, account.c.name == name))


def _outed(connection: Connection, tenant: str, name: str, now: int, revision: str) -> Deed:
    """End sessions, and sign-ins on their way."""
    connection.execute(sign_in_attempt.delete().where(
        sign_in_attempt.c.tenant == tenant, sign_in_attempt.c.name == name))
    ended = sessions.cut(connection, tenant, name, now=now, why="the repository names somebody else, or nobody")
    return Deed("server", "UserLeft", f"person:{name}", f"{ended} sessions ended", revision=revision)


def _left(connection: Connection, tenant: str, name: str, at: int | None) -> None:
    connection.execute(account.update().where(
        account.c.tenant == tenant, account.c.name == name).values(left_at=at))


def _uninvite(connection: Connection, tenant: str, name: str, now: int) -> None:
    connection.execute(invitation.update().where(
        invitation.c.tenant == tenant, invitation.c.name == name, invitation.c.used_at.is_(None)).values(used_at=now))
