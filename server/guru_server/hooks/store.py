"""How far each webhook is, its deliveries, and what becomes of them. It decides nothing and sends nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, text

from guru_server.cursors import Key
from guru_server.events.noting import Happening, note
from guru_server.events.numbering import bounds
from guru_server.events.reading import Labels
from guru_server.events.tables import event
from guru_server.fleet.inventory import among
from guru_server.hooks.in_force import Hook
from guru_server.hooks.tables import hook_delivery, webhook

AT_ONCE = 500                           # events looked at for one webhook in one transaction
MOST_WAITING = 2_000                    # deliveries of one webhook; more events wait in the stream itself
DISABLE_AFTER = 5 * 86_400_000          # ms of nothing but failures
_ONCE = text(
    "INSERT INTO hook_delivery (tenant, id, hook, event, type, seq, urgent, attempts, status, error, created_at)"
    " VALUES (:tenant, :id, :hook, :event, :type, :seq, :urgent, 0, NULL, '', :now) ON CONFLICT DO NOTHING"
)


class Delivery(NamedTuple):
    """One event for one webhook, as it waits."""

    id: str
    hook: str
    event: str
    urgent: bool
    attempts: int


def adopt(connection: Connection, tenant: str, hooks: Mapping[str, Hook], now: int) -> None:
    """Take over what is in force: a new webhook begins with what happens next, and one that changed is tried again."""
    newest = bounds(connection, tenant)[1]
    here = {row.hook: row for row in connection.execute(select(webhook).where(webhook.c.tenant == tenant))}
    for name, hook in hooks.items():
        if name not in here:
            connection.execute(webhook.insert().values(
                tenant=tenant, hook=name, digest=hook.digest, cursor=newest, failures=0, error="",
            ))
        elif here[name].digest != hook.digest:
            anew: dict[str, Any] = {"digest": hook.digest, **_WELL}
            if here[name].disabled_at is not None:
                anew["cursor"] = newest
            connection.execute(webhook.update().where(*_is(tenant, name)).values(**anew))
    for gone in here.keys() - hooks.keys():
        connection.execute(webhook.delete().where(*_is(tenant, gone)))
        connection.execute(hook_delivery.delete().where(*_open(tenant), hook_delivery.c.hook == gone))


def changed(connection: Connection, tenant: str, hooks: Mapping[str, Hook]) -> bool:
    """Whether `adopt` would do anything."""
    query = select(webhook.c.hook, webhook.c.digest).where(webhook.c.tenant == tenant)
    return {row.hook: row.digest for row in connection.execute(query)} != {
        name: hook.digest for name, hook in hooks.items()
    }


def behind(connection: Connection, tenant: str) -> list[str]:
    """The webhooks that have not looked at the newest event."""
    newest = bounds(connection, tenant)[1]
    query = select(webhook.c.hook).where(
        webhook.c.tenant == tenant, webhook.c.cursor < newest, webhook.c.disabled_at.is_(None))
    return list(connection.execute(query.order_by(webhook.c.hook)).scalars())


def spread(connection: Connection, tenant: str, hook: Hook, labels: Labels, now: int) -> int:
    """Make deliveries of the next events that the webhook wants; how many events were looked at."""
    state = connection.execute(select(webhook).where(*_is(tenant, hook.name))).one_or_none()
    waits = (*_open(tenant), hook_delivery.c.hook == hook.name)
    waiting = connection.execute(select(func.count()).select_from(hook_delivery).where(*waits)).scalar_one()
    if state is None or state.disabled_at is not None or waiting >= MOST_WAITING:
        return 0
    query = select(event).where(event.c.tenant == tenant, event.c.seq > state.cursor).order_by(event.c.seq)
    rows = connection.execute(query.limit(AT_ONCE)).all()
    if not rows:
        return 0
    devices = {row.device for row in rows if row.device} if hook.selector_text else set()
    known = {one.id: one for one in among(connection, tenant, sorted(devices))}
    wanted = [row for row in rows if hook.wants(row, known.get(row.device), labels)]
    if wanted:
        connection.execute(_ONCE, [_delivery(tenant, hook.name, row, now) for row in wanted])
    connection.execute(webhook.update().where(*_is(tenant, hook.name)).values(cursor=rows[-1].seq))
    return len(rows)


def waiting(connection: Connection, tenant: str) -> list[str]:
    """The webhooks for which something waits."""
    query = select(hook_delivery.c.hook).where(*_open(tenant)).distinct()
    return sorted(connection.execute(query).scalars())


def following(connection: Connection, tenant: str, hook: str, now: int) -> Delivery | None:
    """What the webhook is to be sent now: what somebody waits for first, then in the order of the stream."""
    state = connection.execute(select(webhook).where(*_is(tenant, hook))).one_or_none()
    here = [*_open(tenant), hook_delivery.c.hook == hook]
    if state is None:
        return None
    if state.disabled_at is not None or (state.next_try_at or 0) > now:
        here.append(hook_delivery.c.urgent)
    query = select(hook_delivery).where(*here).order_by(
        hook_delivery.c.urgent.desc(), hook_delivery.c.seq, hook_delivery.c.id)
    row = connection.execute(query.limit(1)).one_or_none()
    return Delivery(row.id, row.hook, row.event, bool(row.urgent), row.attempts) if row is not None else None


def event_row(connection: Connection, tenant: str, ident: str) -> Row[Any] | None:
    """The event, while it is kept."""
    return connection.execute(select(event).where(event.c.tenant == tenant, event.c.id == ident)).one_or_none()


def delivered(connection: Connection, tenant: str, one: Delivery, status: int, now: int) -> None:
    """The webhook took it: all is well with it, and one that was disabled goes on with what happens next."""
    _finish(connection, tenant, one, status, "", done_at=now)
    state = connection.execute(select(webhook.c.disabled_at).where(*_is(tenant, one.hook))).one_or_none()
    values: dict[str, Any] = {**_WELL, "last_ok_at": now}
    if state is not None and state.disabled_at is not None:
        values["cursor"] = bounds(connection, tenant)[1]
    connection.execute(webhook.update().where(*_is(tenant, one.hook)).values(**values))


class Failure(NamedTuple):
    """How a try failed; `next_try_at` None: this event is given up."""

    error: str
    status: int | None
    next_try_at: int | None


def failed(
    connection: Connection, tenant: str, one: Delivery, how: Failure, now: int, *, for_good: bool = False
) -> bool:
    """The webhook did not take it; whether it is disabled now. `for_good`: it said that it is gone."""
    if one.urgent or how.next_try_at is None:
        _finish(connection, tenant, one, how.status, how.error, failed_at=now)
    else:
        _finish(connection, tenant, one, how.status, how.error)
    state = connection.execute(select(webhook).where(*_is(tenant, one.hook))).one_or_none()
    if state is None or state.disabled_at is not None:
        return False
    since = now if state.failing_since is None else state.failing_since
    values: dict[str, Any] = {"failing_since": since, "error": how.error, "failures": state.failures + 1}
    if not one.urgent:
        values["next_try_at"] = how.next_try_at
    over = for_good or now - since >= DISABLE_AFTER
    if over:
        values["disabled_at"] = now
        waits = (*_open(tenant), hook_delivery.c.hook == one.hook)
        connection.execute(hook_delivery.update().where(*waits).values(
            failed_at=now, error="the webhook was disabled"))
        note(connection, tenant, now, [Happening("webhook.disabled", f"webhook:{one.hook}", {
            "hook": one.hook, "error": how.error, "failingSince": since})])
    connection.execute(webhook.update().where(*_is(tenant, one.hook)).values(**values))
    return over


def urge(connection: Connection, tenant: str, hook: str, row: Row[Any], now: int) -> str:
    """Have an event sent at once, once more or for the first time; the delivery's id."""
    made = {**_delivery(tenant, hook, row, now), "urgent": True}
    if not connection.execute(_ONCE, made).rowcount:
        here = (hook_delivery.c.tenant == tenant, hook_delivery.c.id == made["id"])
        connection.execute(hook_delivery.update().where(*here).values(urgent=True, done_at=None, failed_at=None))
    return str(made["id"])


def forget(connection: Connection, tenant: str, before: int) -> int:
    """Drop deliveries that were finished before a time; how many."""
    over = func.coalesce(hook_delivery.c.done_at, hook_delivery.c.failed_at) < before
    return connection.execute(hook_delivery.delete().where(hook_delivery.c.tenant == tenant, over)).rowcount


def states(connection: Connection, tenant: str) -> tuple[dict[str, Row[Any]], dict[str, int]]:
    """How every webhook goes, and how many deliveries wait for each."""
    rows = {row.hook: row for row in connection.execute(select(webhook).where(webhook.c.tenant == tenant))}
    count = select(hook_delivery.c.hook, func.count()).where(*_open(tenant)).group_by(hook_delivery.c.hook)
    return rows, {row[0]: row[1] for row in connection.execute(count)}


def deliveries(
    connection: Connection, tenant: str, hook: str, state: str | None, limit: int, ids: Collection[str] = (),
    *, last: Key | None = None,
) -> Sequence[Row[Any]]:
    """The newest deliveries: of a webhook, in a state, or those with these ids; after the key `last`."""
    here, row = _wanted(tenant, hook, state), hook_delivery.c
    if ids:
        here.append(row.id.in_(sorted(ids)))
    if last is not None:
        at, seq, ident = last
        here.append(or_(row.created_at < at, (row.created_at == at) & or_(
            row.seq < seq, (row.seq == seq) & (row.id > ident))))
    query = select(hook_delivery).where(*here)
    return connection.execute(query.order_by(row.created_at.desc(), row.seq.desc(), row.id).limit(limit)).all()


def delivery_count(connection: Connection, tenant: str, hook: str, state: str | None) -> int:
    """How many deliveries there are: of a webhook, in a state."""
    query = select(func.count()).select_from(hook_delivery).where(*_wanted(tenant, hook, state))
    return int(connection.execute(query).scalar_one())


def _wanted(tenant: str, hook: str, state: str | None) -> list[ColumnElement[bool]]:
    here: list[ColumnElement[bool]] = [hook_delivery.c.tenant == tenant]
    done, gone = hook_delivery.c.done_at, hook_delivery.c.failed_at
    if hook:
        here.append(hook_delivery.c.hook == hook)
    if state:
        here += {"waiting": [done.is_(None), gone.is_(None)], "delivered": [done.is_not(None)],
                 "failed": [gone.is_not(None)]}[state]
    return here


_WELL: Mapping[str, Any] = {
    "failures": 0, "next_try_at": None, "failing_since": None, "disabled_at": None, "error": "",
}


def _delivery(tenant: str, hook: str, row: Row[Any], now: int) -> dict[str, str | int | bool]:
    ident = hashlib.sha256(f"{hook}\n{row.id}".encode()).hexdigest()[:32]
    return {"tenant": tenant, "id": ident, "hook": hook, "event": row.id, "type": row.type, "seq": row.seq,
            "urgent": False, "now": now}


def _finish(
    connection: Connection, tenant: str, one: Delivery, status: int | None, error: str, **values: int
) -> None:
    here = (hook_delivery.c.tenant == tenant, hook_delivery.c.id == one.id)
    connection.execute(hook_delivery.update().where(*here).values(
        attempts=hook_delivery.c.attempts + 1, status=status, error=error[:500], **values))


def _is(tenant: str, hook: str) -> tuple[ColumnElement[bool], ...]:
    return (webhook.c.tenant == tenant, webhook.c.hook == hook)


def _open(tenant: str) -> tuple[ColumnElement[bool], ...]:
    return (hook_delivery.c.tenant == tenant, hook_delivery.c.done_at.is_(None),
            hook_delivery.c.failed_at.is_(None))
