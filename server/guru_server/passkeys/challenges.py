"""Challenges of open ceremonies: few at a time, short-lived, each good once. It verifies nothing."""

from __future__ import annotations

import base64
import secrets
from typing import Literal, NamedTuple

from sqlalchemy import Connection, func, select

from guru_server.identity.rates import TooMany
from guru_server.passkeys.tables import passkey_challenge

LIFE = 120_000                          # ms that somebody has to touch the authenticator
MOST = 1000                             # open at once in a tenant; those who begin together may pass it by a few
MOST_OF_ONE = 5                         # registrations of one person

Purpose = Literal["register", "sign-in"]


class Challenge(NamedTuple):
    """One that was given out. `name` is empty when somebody signs in."""

    id: str
    name: str
    value: bytes


def begin(connection: Connection, tenant: str, purpose: Purpose, name: str, *, now: int) -> Challenge:
    """A fresh one; TooMany while too many are open. Those that are over are forgotten."""
    table = passkey_challenge
    connection.execute(table.delete().where(table.c.tenant == tenant, table.c.expires_at <= now))
    counted = select(func.count()).select_from(table).where(table.c.tenant == tenant)
    too_many = connection.execute(counted).scalar_one() >= MOST or (
        name != "" and connection.execute(counted.where(table.c.name == name)).scalar_one() >= MOST_OF_ONE)
    if too_many:
        raise TooMany("too many passkey ceremonies are open", hint="wait two minutes")
    made = Challenge(secrets.token_hex(16), name, secrets.token_bytes(32))
    connection.execute(table.insert().values(
        tenant=tenant, id=made.id, purpose=purpose, name=name, challenge=base64.b64encode(made.value).decode(),
        expires_at=now + LIFE))
    return made


def spend(connection: Connection, tenant: str, purpose: Purpose, ident: str, *, now: int) -> Challenge | None:
    """The open challenge, which is none from now on; None when it is unknown, over, or for something else."""
    table = passkey_challenge
    row = connection.execute(
        table.delete().where(table.c.tenant == tenant, table.c.id == ident, table.c.purpose == purpose)
        .returning(table.c.name, table.c.challenge, table.c.expires_at)).one_or_none()
    if row is None or now >= row.expires_at:
        return None
    return Challenge(ident, row.name, base64.b64decode(row.challenge))
