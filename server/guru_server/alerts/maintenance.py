"""Windows that people open by hand: started, ended, listed. They only keep alerts quiet, and end by themselves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, func, select

from guru_policy.errors import Conflict, NotFound, Refused
from guru_policy.selector import parse
from guru_server.alerts.tables import maintenance
from guru_server.alerts.telling import ByHand
from guru_server.gateway.plain import plain
from guru_server.store.binding import whose
from guru_wire.alerting import MaintenanceRequest, MaintenanceRow

MOST_OPEN = 200                         # at once: each is tried on every alert that fires


Sees = Callable[[Sequence[str] | None], bool]
"""Whether a window for only these devices, or with None for all that its selector matches, is in sight."""


class Window(NamedTuple):
    """A window, and the ids of the devices that it is for; None: of all that match, also later."""

    row: MaintenanceRow
    only: tuple[str, ...] | None


def start(
    connection: Connection, ask: MaintenanceRequest, person: str, now: int, only: Sequence[str] | None = None
) -> MaintenanceRow:
    """Open a window, with `only` for no other devices. InputInvalid for a selector that is none, Refused when there
    are too many.
    """
    parse(ask.selector)
    if len(open_by_hand(connection, now)) >= MOST_OPEN:
        raise Refused(f"{MOST_OPEN} windows are open by hand", hint="end some, or write a MaintenanceWindow")
    name = f"maint-{uuid.uuid4().hex[:12]}"
    connection.execute(maintenance.insert().values(
        tenant=whose(connection), id=name, selector=ask.selector, reason=plain(ask.reason, 500),
        started_by=person[:128],
        started_at=now, ends_at=now + ask.seconds * 1000, ended_at=None, ended_by="",
        devices=None if only is None else json.dumps(sorted(only)),
    ))
    return one(connection, name, now).row


def end(connection: Connection, window: MaintenanceRow, person: str, now: int) -> MaintenanceRow:
    """Close a window sooner. Conflict for one that is closed."""
    if not window.open:
        hint = "`guru maint list` shows the open ones"
        raise Conflict(f"the window {plain(window.id, 32)} is closed already", hint=hint)
    here = (maintenance.c.tenant == whose(connection), maintenance.c.id == window.id)
    connection.execute(maintenance.update().where(*here).values(ended_at=now, ended_by=person[:128]))
    return one(connection, window.id, now).row


def one(connection: Connection, name: str, now: int, sees: Sees = lambda only: True) -> Window:
    """The window; NotFound for one nobody opened, and for one out of sight."""
    query = select(maintenance).where(maintenance.c.tenant == whose(connection), maintenance.c.id == name)
    row = connection.execute(query).one_or_none()
    if row is None or not sees(_only(row)):
        raise NotFound(f"there is no window {plain(name, 32)}", hint="`guru maint list --all` shows them")
    return Window(_row(row, now), _only(row))


def listed(
    connection: Connection, now: int, *, closed: bool, sees: Sees
) -> list[MaintenanceRow]:
    """The windows in sight, the newest first; without `closed` those that are open."""
    here = and_(maintenance.c.tenant == whose(connection), *(() if closed else _open(now)))
    query = select(maintenance).where(here).order_by(maintenance.c.started_at.desc(), maintenance.c.id)
    return [_row(row, now) for row in connection.execute(query) if sees(_only(row))]


def open_by_hand(connection: Connection, now: int) -> tuple[ByHand, ...]:
    """The windows that are open, oldest first."""
    living = (maintenance.c.tenant == whose(connection), *_open(now))
    query = select(maintenance).where(*living).order_by(maintenance.c.started_at)
    return tuple(ByHand(row.id, parse(row.selector), row.ends_at, _only(row)) for row in connection.execute(query))


def forget_ended(connection: Connection, before: int) -> int:
    """Drop windows that closed before a time; how many."""
    closed = func.coalesce(maintenance.c.ended_at, maintenance.c.ends_at) < before
    return connection.execute(maintenance.delete().where(maintenance.c.tenant == whose(connection), closed)).rowcount


def _open(now: int) -> tuple[Any, ...]:
    return (maintenance.c.ended_at.is_(None), maintenance.c.ends_at > now)


def _only(row: Row[Any]) -> tuple[str, ...] | None:
    return None if row.devices is None else tuple(json.loads(row.devices))


def _row(row: Row[Any], now: int) -> MaintenanceRow:
    return MaintenanceRow(
        id=row.id, selector=row.selector, reason=row.reason, started_by=row.started_by, started_at=row.started_at,
        ends_at=row.ends_at, ended_at=row.ended_at, ended_by=row.ended_by,
        open=row.ended_at is None and row.ends_at > now,
    )
