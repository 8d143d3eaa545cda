"""One request with an Idempotency-Key: begun, done, its answer kept. Functions of a connection; the time is passed in.

`begun` may still fail or be lost. `done` is written in the transaction of the deed itself, so a deed is never
done twice. `kept` has its answer as well.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from guru_policy.errors import Conflict, InputInvalid
from guru_server.identity.rates import TooMany
from guru_server.replays.tables import kept_answer as table

DAY = 86_400_000
PATIENCE = 60_000                       # ms after which an attempt that did nothing counts as lost
MOST = 10_000                           # keys of one actor


class KeyReused(InputInvalid):
    """The key was used for another request. Answered with 422."""


class StillRunning(Conflict):
    """The same request is being worked on. Answered with 409 and Retry-After."""


class AnswerLost(Conflict):
    """The request was carried out once, and its answer is not known any more. Answered with 409."""


class Asked(NamedTuple):
    """A request: whose, by which key, and what."""

    tenant: str
    actor: str
    digest: str
    request: str


class Kept(NamedTuple):
    """An answer as it was given; `sealed` is for `sealing.opened`."""

    status: int
    sealed: str


def begin(connection: Connection, asked: Asked, attempt: str, now: int) -> Kept | None:
    """Take the request up as this attempt, or give what was answered before.

    KeyReused, StillRunning or AnswerLost when neither is right; TooMany for an actor with too many keys.
    """
    connection.execute(delete(table).where(table.c.tenant == asked.tenant, table.c.ends_at <= now))
    row = connection.execute(select(table).where(*_at(asked))).one_or_none()
    if row is None:
        held = connection.execute(
            select(func.count()).where(table.c.tenant == asked.tenant, table.c.actor == asked.actor)
        ).scalar_one()
        if held >= MOST:
            raise TooMany(f"{MOST} idempotency keys are in use", hint="each is forgotten a day after its first use")
        connection.execute(insert(table).values(
            **asked._asdict(), attempt=attempt, state="begun", begun_at=now, ends_at=now + DAY
        ))
        return None
    if row.request != asked.request:
        raise KeyReused("this idempotency key was used for another request", hint="draw a new key for a new request")
    if row.state == "kept":
        return Kept(row.status, row.sealed)
    if row.begun_at + PATIENCE > now:
        raise StillRunning("the same request is being worked on", hint="ask again in a moment, with the same key")
    if row.state == "done":
        raise AnswerLost("this was done once, and its answer was lost", hint="look at the list of what it makes")
    connection.execute(update(table).where(*_at(asked)).values(attempt=attempt, begun_at=now))
    return None


def mark_done(connection: Connection, asked: Asked, attempt: str) -> None:
    """In the transaction of the deed: it is done by this attempt. StillRunning when another took it over."""
    changed = connection.execute(
        update(table).where(*_at(asked), table.c.attempt == attempt, table.c.state != "kept").values(state="done")
    ).rowcount
    if changed != 1:
        raise StillRunning("another attempt took this request over", hint="ask again with the same key")


def keep(connection: Connection, asked: Asked, attempt: str, answer: Kept) -> None:
    """Keep the answer to give it again."""
    connection.execute(update(table).where(*_at(asked), table.c.attempt == attempt).values(
        state="kept", status=answer.status, sealed=answer.sealed
    ))


def let_go(connection: Connection, asked: Asked, attempt: str) -> None:
    """Forget an attempt that did nothing, so that the next one may."""
    connection.execute(delete(table).where(*_at(asked), table.c.attempt == attempt, table.c.state == "begun"))


def _at(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return (table.c.tenant == asked.tenant, table.c.actor == asked.actor, table.c.digest == asked.digest)
