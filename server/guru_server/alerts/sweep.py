"""One look at every verdict that matters, and what follows for alerts. It decides; it stores nothing.

Level-based: it compares what is with what was stored, so that a missed message, a restart or a second server
changes nothing. Only bad verdicts and those under an open alert are looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, and_, select

from guru_policy.alerting.episode import STALE_MS, Episode, Phase, Reading, follow
from guru_policy.inventory import Device, Place
from guru_policy.verdict import State
from guru_server.alerts.in_force import InForce
from guru_server.alerts.maintenance import open_by_hand
from guru_server.alerts.progress import read
from guru_server.alerts.seeing import Open, Seen, Transition
from guru_server.alerts.tables import alert
from guru_server.alerts.telling import Now, told
from guru_server.fleet.tables import device as device_table
from guru_server.store.binding import whose
from guru_server.telemetry.tables import check_state


def transitions(connection: Connection, in_force: InForce, now: int) -> list[Transition]:
    """Everything that should change or be told now; empty almost always."""
    opened = {(row.rule, row.device, row.check): row for row in _open(connection)}
    seen = {(row.device.id, row.check): row for row in _verdicts(connection, now)}
    here = _devices(connection) if opened else {}
    found = [*_watched(in_force, seen, opened, now)]
    followed = {(t.rule.key, t.seen.device.id, t.seen.check) for t in found if t.rule and t.seen}
    for key, before in opened.items():
        if key in followed:
            continue
        reason = _orphaned(in_force, before, here.get(before.device), seen.get((before.device, before.check)))
        if reason:
            found.append(_ended(before, seen.get((before.device, before.check)), reason, now))
    by_hand = open_by_hand(connection, now) if opened or found else ()
    return list(told(found, opened.values(), Now(in_force, here, by_hand, now)))


def _watched(
    in_force: InForce,
    seen: Mapping[tuple[str, str], Seen],
    opened: Mapping[tuple[str, str, str], Open],
    now: int,
) -> Iterator[Transition]:
    """What the rules in force say of the verdicts at hand."""
    for row in seen.values():
        for rule in in_force.rules_for(row.device.place.customer) or ():
            before = opened.get((rule.key, row.device.id, row.check))
            if not rule.watches(row.device, row.check):
                continue
            episode = before.episode if before else None
            after = follow(rule.timing, episode, row.reading, now)
            if after != episode:
                yield Transition(before, after, row, rule)


def _orphaned(in_force: InForce, before: Open, device: Device | None, seen: Seen | None) -> str:
    """Why an open alert has nobody who would ever end it; empty when it has, or when that is not known."""
    if device is None:
        return "the device was revoked"
    rules = in_force.rules_for(device.place.customer)
    if rules is None:
        return ""
    rule = next((rule for rule in rules if rule.key == before.rule), None)
    if rule is None:
        return "the rule was removed"
    if seen is None:
        return "the check was removed"
    return "" if rule.watches(device, before.check) else "the rule no longer watches this check"


def _ended(before: Open, seen: Seen | None, reason: str, now: int) -> Transition:
    if before.episode.phase is Phase.pending:
        return Transition(before, None, seen, None, reason)
    gone = Episode(
        Phase.resolved, before.episode.started_at, before.episode.fired_at, before.episode.cleared_at, now
    )
    return Transition(before, gone, seen, None, reason)


def _open(connection: Connection) -> list[Open]:
    query = select(alert).where(alert.c.tenant == whose(connection), alert.c.resolved_at.is_(None))
    return [
        Open(
            row.id, row.rule, row.customer, row.device, row.check_id, row.severity,
            Episode(Phase(row.state), row.started_at, row.fired_at, row.cleared_at, None),
            read(row.progress), row.acked_at, row.acked_until,
        )
        for row in connection.execute(query)
    ]


def _verdicts(connection: Connection, now: int) -> Iterator[Seen]:
    """Verdicts that are bad, and those that stand under an open alert: two questions, each asked cheaply."""
    verdicts = (
        select(check_state, *_DEVICE)
        .join(device_table, and_(
            device_table.c.tenant == check_state.c.tenant, device_table.c.id == check_state.c.device,
        ))
        .where(check_state.c.tenant == whose(connection), device_table.c.revoked_at.is_(None))
    )
    under = and_(
        alert.c.tenant == check_state.c.tenant, alert.c.device == check_state.c.device,
        alert.c.check_id == check_state.c.check_id, alert.c.resolved_at.is_(None),
    )
    bad = verdicts.where(check_state.c.state.in_(("warning", "critical")))
    watched = verdicts.join(alert, under)
    rows = {(row.device, row.check_id): row for query in (bad, watched) for row in connection.execute(query)}
    for _, row in sorted(rows.items()):
        state = State(row.state) if now - row.seen_at <= STALE_MS else State.unknown
        # How long the device says it has been so, counted back from when we heard it: its clock may be wrong.
        since = row.seen_at - max(0, row.at - row.since)
        yield Seen(_device(row), row.check_id, Reading(state, since), row.value, row.unit, row.message)


_DEVICE = (
    device_table.c.id, device_table.c.name, device_table.c.customer, device_table.c.site,
    device_table.c.facts, device_table.c.op_labels,
)


def _devices(connection: Connection) -> dict[str, Device]:
    """The devices of open alerts that are not revoked."""
    wanted = select(alert.c.device).where(alert.c.tenant == whose(connection), alert.c.resolved_at.is_(None))
    query = select(*_DEVICE).where(
        device_table.c.tenant == whose(connection), device_table.c.revoked_at.is_(None), device_table.c.id.in_(wanted)
    )
    return {row.id: _device(row) for row in connection.execute(query)}


def _device(row: Any) -> Device:
    return Device(
        id=row.id, name=row.name, place=Place(row.customer, row.site),
        facts=json.loads(row.facts), op_labels=json.loads(row.op_labels),
    )
