"""Somebody takes an alert up, or looks at one closely. It tells nobody."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select
from sqlalchemy.sql.expression import ColumnElement

from guru_policy.access.asking import Decision
from guru_policy.alerting.episode import Phase
from guru_policy.errors import Conflict, NotFound
from guru_policy.inventory import Device, Place
from guru_server.alerts.store import alert_row
from guru_server.alerts.tables import alert
from guru_server.alerts.timeline import lines_of, note
from guru_server.fleet.reading import known
from guru_server.gateway.plain import plain
from guru_server.notify.api import note_row
from guru_server.notify.outbox import notes_of
from guru_server.rights.asking import Sight
from guru_server.store.binding import whose
from guru_wire.alerting import AckRequest, AlertDetail, AlertMoment

SHORTEST = 4                            # hex digits of an id that are enough when no other begins with them
NOTES = 500
MOST_LIKE = 100                         # alerts whose ids begin alike
_REF = re.compile(rf"[0-9a-f]{{{SHORTEST},32}}")


class Eyes(NamedTuple):
    """Through whose eyes an alert is looked for, and who would act on it."""

    reading: Sight
    acting: Sight


def acknowledge(
    connection: Connection, ref: str, ask: AckRequest, person: str, now: int, eyes: Eyes
) -> tuple[AlertDetail, Decision]:
    """Take it up for as long as asked, in the place of whoever had it. Conflict for one that does not fire."""
    row = _found(connection, ref, eyes.reading)
    here, gone = _devices(connection, row)
    eyes.acting.require(None, here, f"alert:{row.id}", gone=gone)
    if row.state != Phase.firing.value:
        hint = "`guru alert list` shows those that do"
        raise Conflict(f"alert {row.id[:8]} does not fire: it is {row.state}", hint=hint)
    until = None if ask.seconds is None else now + ask.seconds * 1000
    said = plain(ask.note, 500)
    connection.execute(alert.update().where(*_is(connection, row.id)).values(
        acked_at=now, acked_until=until, acked_by=person[:128], ack_note=said,
    ))
    note(connection, row.id, now, "acknowledged", (person[:128],), said)
    found = detail(connection, row.id, now, eyes.reading)
    return found, eyes.acting.require(connection, here, f"alert:{row.id}", gone=gone)


def detail(connection: Connection, ref: str, now: int, sight: Sight) -> AlertDetail:
    """The alert with its timeline and its notes. NotFound for one out of sight, or Conflict when a short id is that
    of several.
    """
    row = _found(connection, ref, sight)
    began = AlertMoment(at=row.started_at, event="began", text="the check is as the rule says")
    notes = tuple(note_row(one) for one in notes_of(connection, row.id, NOTES))
    return AlertDetail(
        **alert_row(row, now).model_dump(), timeline=(began, *lines_of(connection, row.id)), notes=notes[::-1],
    )


def _found(connection: Connection, ref: str, sight: Sight) -> Row[Any]:
    missing = NotFound(f"there is no alert {plain(ref, 32)!r}", hint="`guru alert list --state all` shows them")
    if not _REF.fullmatch(ref):
        raise missing
    query = select(alert).where(alert.c.tenant == whose(connection), alert.c.id.startswith(ref)).limit(MOST_LIKE)
    alike = connection.execute(query).all()
    rows = [row for row in alike if sight.whole or _seen(connection, row, sight)]
    if alike and not rows:
        sight.hidden(f"alert:{alike[0].id}")
    if len(rows) > 1:
        raise Conflict(f"several alerts begin with {ref}", hint="give more of its id")
    if not rows:
        raise missing
    return rows[0]


def _seen(connection: Connection, row: Row[Any], sight: Sight) -> bool:
    here, _ = _devices(connection, row)
    return sight.sees_at(Place(row.customer, row.site), here[0] if here else None)


def _devices(connection: Connection, row: Row[Any]) -> tuple[list[Device], list[Device]]:
    """The device of an alert: as it is now, or when it is gone as far as the alert says."""
    try:
        return [known(connection, whose(connection), row.device).device], []
    except NotFound:
        return [], [Device(row.device, row.device_name, Place(row.customer, row.site), {}, {})]


def _is(connection: Connection, name: str) -> tuple[ColumnElement[bool], ...]:
    return (alert.c.tenant == whose(connection), alert.c.id == name, alert.c.resolved_at.is_(None))
