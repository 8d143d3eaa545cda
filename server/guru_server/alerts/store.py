"""Stores what the sweep found together with its notes, and reads alerts. It decides nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Row, func, select

from guru_policy.alerting.episode import Episode, Event, Phase, event_of
from guru_policy.alerting.rule import Rule
from guru_policy.alerting.telling import RULE
from guru_policy.errors import InputInvalid
from guru_policy.inventory import Place
from guru_policy.verdict import State
from guru_server.alerts.progress import read, written
from guru_server.alerts.seeing import Seen, Transition
from guru_server.alerts.tables import alert, alert_event
from guru_server.alerts.timeline import note_changes
from guru_server.cursors import Paging, newest_after
from guru_server.events.noting import Happening, note
from guru_server.fleet.inventory import Inventory
from guru_server.notify.outbox import THE_RULE, By, enqueue
from guru_server.rights.asking import Sight
from guru_server.store.binding import whose
from guru_wire.alerting import AlertRow
from guru_wire.operator import Page

_EVENTS: Mapping[Event, str] = {"firing": "alert.fired", "resolved": "alert.resolved"}
_TOLD = ("alert", "rule", "severity", "summary", "check", "startedAt", "firedAt", "resolvedAt", "reason")


def store(connection: Connection, found: Sequence[Transition], now: int) -> int:
    """Store the transitions and put their notes into the outbox; how many notes that were."""
    return sum(_store(connection, transition, now) for transition in found)


def firing_count(connection: Connection, tenant: str) -> int:
    """How many alerts fire now."""
    query = select(func.count()).where(alert.c.tenant == tenant, alert.c.state == Phase.firing.value)
    return int(connection.execute(query).scalar_one())


def alerts(
    connection: Connection, state: str | None, limit: int, paging: Paging, now: int = 0, sight: Sight | None = None
) -> Page[AlertRow]:
    """Alerts, the newest first; without a state, those that have not ended. With a sight, those within it."""
    here = [alert.c.tenant == whose(connection)]
    if state != "all":
        here.append(alert.c.state == state if state else alert.c.resolved_at.is_(None))
    last = paging.after(int, str)
    newest = (alert.c.started_at.desc(), alert.c.id)
    if sight is not None and not sight.whole:
        within = _within(connection, here, sight)
        total = len(within)
        rest = [name for at, name in within if last is None or (-at, name) > (-int(last[0]), last[1])]
        names = rest[: limit + 1]
        rows = connection.execute(select(alert).where(*here, alert.c.id.in_(names)).order_by(*newest)).all()
    else:
        total = int(connection.execute(select(func.count()).where(*here)).scalar_one())
        here += newest_after(alert.c.started_at, alert.c.id, last)
        rows = connection.execute(select(alert).where(*here).order_by(*newest).limit(limit + 1)).all()
    page = rows[:limit]
    following = paging.cursor((page[-1].started_at, page[-1].id)) if len(rows) > limit else None
    return Page(items=tuple(alert_row(row, now) for row in page), total=total, next=following)


def _within(connection: Connection, here: Sequence[ColumnElement[bool]], sight: Sight) -> list[tuple[int, str]]:
    """Start and id of the alerts in sight, the newest first. Of a device that is gone only the place decides."""
    columns = (alert.c.started_at, alert.c.id, alert.c.device, alert.c.device_name, alert.c.customer, alert.c.site)
    query = select(*columns).where(*here).order_by(alert.c.started_at.desc(), alert.c.id)
    rows = connection.execute(query).all()
    unsure = any(sight.place(row.customer, row.site) is None for row in rows)
    known = {one.id: one for one in Inventory(whose(connection)).read(connection)} if unsure else {}
    return [
        (row.started_at, row.id) for row in rows
        if sight.sees_at(Place(row.customer, row.site), known.get(row.device))
    ]


def forget_resolved(connection: Connection, before: int) -> int:
    """Drop alerts that ended before a time; how many."""
    ended = (alert.c.tenant == whose(connection), alert.c.resolved_at < before)
    gone = select(alert.c.id).where(*ended)
    of_them = (alert_event.c.tenant == whose(connection), alert_event.c.alert.in_(gone))
    connection.execute(alert_event.delete().where(*of_them))
    return connection.execute(alert.delete().where(*ended)).rowcount


def _store(connection: Connection, change: Transition, now: int) -> int:
    if change.before is None:
        return _begin(connection, change, now)
    before = change.before
    here = (alert.c.tenant == whose(connection), alert.c.id == before.id, alert.c.resolved_at.is_(None))
    if change.after is None:
        connection.execute(alert.delete().where(*here))
        return 0
    values: dict[str, Any] = {**_times(change.after), "reason": change.reason}
    event = event_of(before.episode, change.after)
    if change.seen is not None:
        values["check_state"] = change.seen.reading.state.value
    if change.rule is not None and event == "firing" and change.seen is not None:
        values |= _described(change.seen, change.rule)
    if change.progress is not None:
        values["progress"] = written(change.progress)
    if not connection.execute(alert.update().where(*here).values(**values)).rowcount:
        return 0
    return _tell(connection, change, before.id, event, now)


def _begin(connection: Connection, change: Transition, now: int) -> int:
    seen, rule, after = change.seen, change.rule, change.after
    if seen is None or rule is None or after is None:
        return 0
    name = uuid.uuid4().hex
    connection.execute(alert.insert().values(
        tenant=whose(connection), id=name, rule=rule.key, customer=seen.device.place.customer,
        site=seen.device.place.site, device=seen.device.id, device_name=seen.device.name,
        check_id=seen.check, check_state=seen.reading.state.value, reason="",
        progress=written(change.progress) if change.progress is not None else None,
        **_described(seen, rule), **_times(after),
    ))
    return _tell(connection, change, name, event_of(None, after), now)


def _tell(connection: Connection, change: Transition, name: str, event: Event | None, now: int) -> int:
    """Put the notes of a change into the outbox, and write down what happened."""
    known = change.before.progress if change.before is not None else None
    note_changes(connection, name, event, known, change, now)
    if event is None and not change.tellings:
        return 0
    row = connection.execute(select(alert).where(alert.c.tenant == whose(connection), alert.c.id == name)).one()
    if event is not None:
        happened = payload(row, event, change.seen)
        note(connection, whose(connection), now, [Happening(
            _EVENTS[event], f"alert:{name}", {key: happened[key] for key in _TOLD}, row.device, row.customer, row.site,
        )])
    if event == "resolved":
        told = known.told if known is not None else ()
        enqueue(
            connection, alert=name, customer=row.customer, event="resolved", channels=told,
            payload=json.dumps(payload(row, "resolved", change.seen)), now=now, begin=change.begin,
        )
        return len(told)
    for telling in change.tellings:
        by = THE_RULE if telling.step == RULE else By(telling.step, telling.round)
        enqueue(
            connection, alert=name, customer=row.customer, event="firing", channels=telling.tells, by=by,
            payload=json.dumps(payload(row, "firing", change.seen, by)), now=now,
        )
    return sum(len(telling.tells) for telling in change.tellings)


def payload(row: Row[Any], event: str, seen: Seen | None, by: By = THE_RULE) -> dict[str, JsonValue]:
    """What channels tell, as documented in docs/alerts.md. Fields are only added."""
    policy, _, step = by.step.rpartition("/")
    return {
        "apiVersion": "guru/v1",
        "event": event,
        "alert": row.id,
        "rule": row.rule,
        "severity": row.severity,
        "summary": row.summary,
        "customer": row.customer,
        "site": row.site,
        "device": {"id": row.device, "name": row.device_name},
        "check": {
            "id": row.check_id,
            "state": row.check_state,
            "value": seen.value if seen else None,
            "unit": seen.unit if seen else "",
            "message": seen.message if seen else "",
        },
        "startedAt": row.started_at,
        "firedAt": row.fired_at,
        "resolvedAt": row.resolved_at,
        "reason": row.reason,
        "escalation": {"policy": policy, "step": step, "round": by.round} if by.step else None,
    }


def _times(episode: Episode) -> dict[str, Any]:
    return {
        "state": episode.phase.value, "started_at": episode.started_at, "fired_at": episode.fired_at,
        "cleared_at": episode.cleared_at, "resolved_at": episode.resolved_at,
    }


def _described(seen: Seen, rule: Rule) -> dict[str, Any]:
    """The severity, and the summary with what its template may name."""
    summary = rule.summary(seen.device, seen.check, seen.message, seen.value, seen.unit)
    return {"severity": rule.spec.severity, "summary": summary}


def _place(cursor: str) -> tuple[int, str]:
    started, _, last = cursor.partition("-")
    if not (started.isascii() and started.isdigit() and len(started) < 16 and last.isalnum()):
        raise InputInvalid("the cursor is not one of ours", hint="ask for the first page, without a cursor")
    return int(started), last


def alert_row(row: Row[Any], now: int) -> AlertRow:
    """An alert as people see it at `now`: taken up only while that lasts."""
    progress = read(row.progress)
    taken = row.acked_at is not None and (row.acked_until is None or now < row.acked_until)
    return AlertRow(
        id=row.id, rule=row.rule, device=row.device, device_name=row.device_name, customer=row.customer,
        site=row.site, check=row.check_id, state=row.state, check_state=State(row.check_state),
        severity=row.severity, summary=row.summary, started_at=row.started_at, fired_at=row.fired_at,
        resolved_at=row.resolved_at, reason=row.reason,
        muted_by=progress.muted if progress is not None and row.resolved_at is None else (),
        acked_by=row.acked_by if taken else "", acked_at=row.acked_at if taken else None,
        acked_until=row.acked_until if taken else None, ack_note=row.ack_note if taken else "",
    )
