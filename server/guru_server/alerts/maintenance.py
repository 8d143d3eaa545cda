"""Windows that people open by hand: started, ended, listed. They only keep alerts quiet, and end by themselves."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from guru_policy.errors import Conflict, NotFound, Refused
from guru_policy.selector import parse
from guru_server.alerts.tables import maintenance
from guru_server.alerts.telling import ByHand
from guru_server.gateway.plain import plain
from guru_server.store.schema import TENANT
from guru_wire.alerting import MaintenanceRequest, MaintenanceRow

MOST_OPEN = 200                         # at once: each is tried on every alert that fires


def start(connection: Connection, ask: MaintenanceRequest, person: str, now: int) -> MaintenanceRow:
    """Open a window. InputInvalid for a selector that is none, Refused when there are too many."""
    parse(ask.selector)
    if len(open_by_hand(connection, now)) >= MOST_OPEN:
        raise Refused(f"{MOST_OPEN} windows are open by hand", hint="end some, or write a MaintenanceWindow")
    name = f"maint-{uuid.uuid4().hex[:12]}"
    connection.execute(maintenance.insert().values(
        tenant=TENANT, id=name, selector=ask.selector, reason=plain(ask.reason, 500), started_by=person[:128],
        started_at=now, ends_at=now + ask.seconds * 1000, ended_at=None, ended_by="",
    ))
    return one(connection, name, now)


def end(connection: Connection, name: str, person: str, now: int) -> MaintenanceRow:
    """Close a window sooner. NotFound for one nobody opened, Conflict for one that is closed."""
    if not one(connection, name, now).open:
        raise Conflict(f"the window {plain(name, 32)} is closed already", hint="`guru maint list` shows the open ones")
    here = (maintenance.c.tenant == TENANT, maintenance.c.id == name)
    connection.execute(maintenance.update().where(*here).values(ended_at=now, ended_by=person[:128]))
    return one(connection, name, now)


def one(connection: Connection, name: str, now: int) -> MaintenanceRow:
    """The window; NotFound for one nobody opened."""
    query = select(maintenance).where(maintenance.c.tenant == TENANT, maintenance.c.id == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no window {plain(name, 32)}", hint="`guru maint list --all` shows them")
    return _row(row, now)


def listed(connection: Connection, now: int, limit: int, *, closed: bool) -> tuple[list[MaintenanceRow], int]:
    """The newest windows and how many there are; without `closed` those that are open."""
    here = and_(maintenance.c.tenant == TENANT, *(() if closed else _open(now)))
    query = select(maintenance).where(here).order_by(maintenance.c.started_at.desc(), maintenance.c.id).limit(limit)
    total = int(connection.execute(select(func.count()).where(here)).scalar_one())
    return [_row(row, now) for row in connection.execute(query)], total


def open_by_hand(connection: Connection, now: int) -> tuple[ByHand, ...]:
    """The windows that are open, oldest first."""
    query = select(maintenance).where(maintenance.c.tenant == TENANT, *_open(now)).order_by(maintenance.c.started_at)
    return tuple(ByHand(row.id, parse(row.selector), row.ends_at) for row in connection.execute(query))


def forget_ended(connection: Connection, before: int) -> int:
    """Drop windows that closed before a time; how many."""
    closed = func.coalesce(maintenance.c.ended_at, maintenance.c.ends_at) < before
    return connection.execute(maintenance.delete().where(maintenance.c.tenant == TENANT, closed)).rowcount


def _open(now: int) -> tuple[Any, ...]:
    return (maintenance.c.ended_at.is_(None), maintenance.c.ends_at > now)


def _row(row: Row[Any], now: int) -> MaintenanceRow:
    return MaintenanceRow(
        id=row.id, selector=row.selector, reason=row.reason, started_by=row.started_by, started_at=row.started_at,
        ends_at=row.ends_at, ended_at=row.ended_at, ended_by=row.ended_by,
        open=row.ended_at is None and row.ends_at > now,
    )
