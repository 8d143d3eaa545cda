"""Passkeys as rows: kept, listed, removed. Public keys only; it verifies nothing."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from guru_policy.errors import InputInvalid, NotFound
from guru_server.audit.log import record
from guru_server.passkeys.tables import passkey

MOST = 10                               # of one person


class Passkey(NamedTuple):
    """One that is registered; times are ms UTC."""

    id: str
    name: str
    label: str
    created_at: int
    used_at: int | None


class Made(NamedTuple):
    """What an authenticator made, before it is kept: sha256 hex of the credential's id, base64url, and its count."""

    id: str
    credential: str
    public_key: str
    counted: int


def passkeys(connection: Connection, tenant: str, name: str) -> list[Passkey]:
    """Those of one person, oldest first."""
    rows = connection.execute(select(passkey).where(
        passkey.c.tenant == tenant, passkey.c.name == name).order_by(passkey.c.created_at, passkey.c.id))
    return [Passkey(row.id, row.name, row.label, row.created_at, row.used_at) for row in rows]


def has_one(connection: Connection, tenant: str, name: str) -> bool:
    """Whether the person has any."""
    return connection.execute(select(passkey.c.id).where(
        passkey.c.tenant == tenant, passkey.c.name == name).limit(1)).first() is not None


def keep(connection: Connection, tenant: str, name: str, made: Made, label: str, *, now: int) -> Passkey:
    """The person signs in by it from now on; InputInvalid when it is somebody's already, or one too many."""
    known = connection.execute(select(passkey.c.id).where(passkey.c.tenant == tenant, passkey.c.id == made.id)).first()
    if known or len(passkeys(connection, tenant, name)) >= MOST:
        raise InputInvalid("this passkey is registered already, or there are too many",
                           hint="remove one first: `guru passkey rm`")
    shown = "".join(letter for letter in label if letter.isprintable()).strip()[:64]
    connection.execute(passkey.insert().values(
        tenant=tenant, id=made.id, name=name, label=shown, credential=made.credential, public_key=made.public_key,
        sign_count=made.counted, created_at=now, used_at=None))
    record(connection, now, f"person:{name}", "PasskeyAdded", f"person:{name}", f"{made.id[:12]} {shown}".strip(),
           tenant=tenant)
    return Passkey(made.id, name, shown, now, None)


def forget(connection: Connection, tenant: str, name: str, ident: str, *, now: int, actor: str) -> Passkey:
    """Remove the passkey of `name` whose id begins so; NotFound when there is not exactly one."""
    found = [one for one in passkeys(connection, tenant, name) if ident and one.id.startswith(ident)]
    if len(found) != 1:
        raise NotFound(f"{name[:128]} has no passkey {ident[:12]}", hint="`guru passkey list`")
    connection.execute(passkey.delete().where(passkey.c.tenant == tenant, passkey.c.id == found[0].id))
    record(connection, now, actor, "PasskeyRemoved", f"person:{name}", found[0].id[:12], tenant=tenant)
    return found[0]


def forget_all(connection: Connection, tenant: str, name: str) -> int:
    """Remove all of a person's; how many there were. Whoever calls this tells why."""
    return connection.execute(passkey.delete().where(passkey.c.tenant == tenant, passkey.c.name == name)).rowcount
