"""The outbox: what is to be told, to which channel, and how far that is. It never talks to anybody itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, select, text, tuple_

from guru_server.cursors import Key, newest_after
from guru_server.notify.tables import notification
from guru_server.store.binding import whose

Event = Literal["firing", "resolved"]
_ONCE = text(
    "INSERT INTO notification (tenant, id, alert, customer, channel, event, payload, created_at, attempts,"
    " next_try_at, error, step, round) VALUES (:tenant, :id, :alert, :customer, :channel, :event, :payload, :now, 0,"
    " :begin, '', :step, :round)"
    " ON CONFLICT (tenant, id) DO NOTHING"
)


class By(NamedTuple):
    """Which step of which round tells; without a step it is the alert rule itself."""

    step: str = ""
    round: int = 0


THE_RULE = By()


class Note(NamedTuple):
    """One thing to tell one channel or person. `id` is the same however often it is delivered."""

    id: str
    alert: str
    customer: str
    channel: str
    event: Event
    payload: str                        # JSON
    attempts: int
    by: By = THE_RULE


class NoteState(NamedTuple):
    """A note for people: waiting, delivered or failed, and the last error."""

    note: Note
    state: Literal["waiting", "delivered", "failed"]
    created_at: int
    finished_at: int | None
    error: str


def note_id(alert: str, event: str, channel: str, by: By = THE_RULE) -> str:
    """32 hex digits: the same note has the same id on every server."""
    said = f"{alert}\n{event}\n{channel}" + (f"\n{by.step}\n{by.round}" if by != THE_RULE else "")
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def enqueue(
    connection: Connection,
    *,
    alert: str,
    customer: str,
    event: Event,
    channels: Sequence[str],
    payload: str,
    now: int,
    by: By = THE_RULE,
    begin: int | None = None,
) -> None:
    """Put one note a receiver into the outbox, to be told from `begin` on; what is there already stays as it is."""
    rows = [
        {
            "tenant": whose(connection), "id": note_id(alert, event, channel, by), "alert": alert, "customer": customer,
            "channel": channel, "event": event, "payload": payload, "now": now,
            "begin": now if begin is None else begin, "step": by.step, "round": by.round,
        }
        for channel in dict.fromkeys(channels)
    ]
    if rows:
        connection.execute(_ONCE, rows)


def due(
    connection: Connection, now: int, limit: int, busy: Sequence[tuple[str, str]] = ()
) -> list[Note]:
    """Notes whose time has come, oldest first, without those of busy channels (customer, name).

    An end waits until its beginning was told or given up.
    """
    begun = notification.alias("begun")
    waits_for_its_beginning = exists().where(
        and_(
            notification.c.event == "resolved",
            begun.c.tenant == notification.c.tenant,
            begun.c.alert == notification.c.alert,
            begun.c.channel == notification.c.channel,
            begun.c.event == "firing",
            begun.c.done_at.is_(None),
            begun.c.failed_at.is_(None),
        )
    )
    occupied = tuple_(notification.c.customer, notification.c.channel).in_(busy)
    query = (
        select(notification)
        .where(*_open(connection), notification.c.next_try_at <= now, ~waits_for_its_beginning, ~occupied)
        .order_by(notification.c.next_try_at, notification.c.created_at, notification.c.id)
        .limit(limit)
    )
    return [_note(row) for row in connection.execute(query)]


def delivered(connection: Connection, note: str, now: int) -> None:
    """The channel took it."""
    _finish(connection, note, done_at=now, error="")


def tried(connection: Connection, note: str, next_try_at: int, error: str) -> None:
    """The channel did not take it; try again then."""
    _finish(connection, note, next_try_at=next_try_at, error=error)


def rest(connection: Connection, customer: str, channel: str, now: int, until: int) -> None:
    """Leave a channel alone for a while: what waits for it is due then, and others come before it."""
    here = (notification.c.customer == customer, notification.c.channel == channel)
    due_now = notification.c.next_try_at <= now
    connection.execute(notification.update().where(*_open(connection), *here, due_now).values(next_try_at=until))


def given_up(connection: Connection, note: str, now: int, error: str) -> None:
    """The channel never took it, and it is not tried again."""
    _finish(connection, note, failed_at=now, error=error)


def withdraw(connection: Connection, note: str) -> None:
    """Drop a note that its channel does not want."""
    connection.execute(notification.delete().where(*_open(connection), notification.c.id == note))


def forget_finished(connection: Connection, before: int) -> int:
    """Drop notes that were finished before a time; how many. An alert's notes go with it at the latest."""
    finished = func.coalesce(notification.c.done_at, notification.c.failed_at) < before
    old = (notification.c.tenant == whose(connection), finished)
    return connection.execute(notification.delete().where(*old)).rowcount


def notes(
    connection: Connection, state: str | None, limit: int | None, last: Key | None = None
) -> list[NoteState]:
    """The newest notes, all or of one state, after the key `last`; every one without a limit."""
    rest = newest_after(notification.c.created_at, notification.c.id, last)
    query = select(notification).where(*_in_state(connection, state), *rest)
    newest = query.order_by(notification.c.created_at.desc(), notification.c.id).limit(limit)
    return [_state(row) for row in connection.execute(newest)]


def notes_of(connection: Connection, alert: str, limit: int) -> list[NoteState]:
    """The newest notes of one alert."""
    query = select(notification).where(notification.c.tenant == whose(connection), notification.c.alert == alert)
    newest = query.order_by(notification.c.created_at.desc(), notification.c.id).limit(limit)
    return [_state(row) for row in connection.execute(newest)]


def count(connection: Connection, state: str | None) -> int:
    """How many notes there are, all or of one state."""
    return int(connection.execute(select(func.count()).where(*_in_state(connection, state))).scalar_one())


def failed_count(connection: Connection, since: int) -> int:
    """How many notes were given up since a time."""
    query = select(func.count()).where(notification.c.tenant == whose(connection), notification.c.failed_at >= since)
    return int(connection.execute(query).scalar_one())


def _in_state(connection: Connection, state: str | None) -> tuple[ColumnElement[bool], ...]:
    match state:
        case "waiting":
            return _open(connection)
        case "delivered":
            return (notification.c.tenant == whose(connection), notification.c.done_at.is_not(None))
        case "failed":
            return (notification.c.tenant == whose(connection), notification.c.failed_at.is_not(None))
    return (notification.c.tenant == whose(connection),)


def _open(connection: Connection) -> tuple[ColumnElement[bool], ...]:
    return (
        notification.c.tenant == whose(connection),
        notification.c.done_at.is_(None),
        notification.c.failed_at.is_(None),
    )


def _finish(connection: Connection, note: str, **values: int | str) -> None:
    connection.execute(
        notification.update()
        .where(*_open(connection), notification.c.id == note)
        .values(attempts=notification.c.attempts + 1, **values)
    )


def _note(row: Row[Any]) -> Note:
    by = By(row.step, row.round)
    return Note(row.id, row.alert, row.customer, row.channel, row.event, row.payload, row.attempts, by)


def _state(row: Row[Any]) -> NoteState:
    finished = row.done_at if row.done_at is not None else row.failed_at
    state: Literal["waiting", "delivered", "failed"] = (
        "waiting" if finished is None else "delivered" if row.done_at is not None else "failed"
    )
    return NoteState(_note(row), state, row.created_at, finished, row.error)
