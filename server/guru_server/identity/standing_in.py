"""Whom an act runs as that somebody else agreed to: its sender once more, when they could still sign in."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from guru_policy.errors import NotSignedIn
from guru_server.accounts.desk import Desk
from guru_server.identity import people
from guru_server.identity.people import Person
from guru_server.rights.asking import Agreed
from guru_server.rights.waiting import Sender

STAND_IN = "guru.stand_in"              # a key of ASGI's scope: nothing that a client sends gets there


class StandIn(NamedTuple):
    """Who sends a request from inside."""

    person: Person
    ticket: str
    agreed: Agreed


def owner_of(connection: Connection, tenant: str, person: Person) -> str:
    """The person behind it: a key's is who made it."""
    if person.kind == "person":
        return person.name
    row = next((one for one in people.tokens(connection, tenant) if one.id == person.token), None)
    return row.created_by.removeprefix("person:") if row is not None else person.actor


def again(connection: Connection, tenant: str, sender: Sender, desk: Desk | None, *, since: int, now: int) -> Person:
    """Who asked at `since`; a second factor is as fresh as it was then. NotSignedIn when the sign-in has ended."""
    mfa_at = None if sender.mfa_at is None else sender.mfa_at + now - since
    if sender.session:
        if desk is None:
            raise NotSignedIn("nobody signs in here")
        return desk.again(connection, sender.token)._replace(mfa_at=mfa_at)
    row = next((one for one in people.tokens(connection, tenant) if one.id == sender.token), None)
    if row is None or not row.good(now):
        raise NotSignedIn("the token of whoever asked is not good any more")
    return Person(row.id, row.name, row.role, row.expires_at, kind=row.kind, limits=row.limits, mfa_at=mfa_at)
