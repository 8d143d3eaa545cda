"""Reads the stream through somebody's eyes: only what they may see, in its order. It changes nothing.

An event of a device is seen by whoever sees the place where that happened, or, when only labels decide, the device as
it is now. Events about the whole office are for those who see all of it; of some, others see that they happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection, Row, func, select

from guru_policy.errors import InputInvalid
from guru_policy.event_types import PREFIX, TYPES, Kind, fits
from guru_policy.inventory import Device, Place, Scalar
from guru_policy.selector import Selector
from guru_server.cursors import number_of
from guru_server.events.numbering import bounds
from guru_server.events.tables import event
from guru_server.fleet.inventory import among
from guru_server.rights.asking import Sight
from guru_wire.events import Event, Events

NEWEST = "newest"
SLICE, MOST_SCANNED = 500, 5_000        # events looked at at once, and for one answer
Labels = Callable[[Device], Mapping[str, Scalar]]
JobsSeen = Callable[[Connection, Collection[str], Sight], Mapping[str, bool]]
"""Of these jobs those of which something is in sight, and whether all of it is."""


class Wish(NamedTuple):
    """What is asked for: `after` a cursor, or from a time on (ms UTC)."""

    after: str | None = None
    since: int | None = None
    types: tuple[str, ...] = ()
    selector: Selector | None = None
    limit: int = 200


class Eyes(NamedTuple):
    """Through which the stream is read: a sight for every verb of TYPES."""

    sights: Mapping[str, Sight]
    jobs: JobsSeen
    labels: Labels


def read(connection: Connection, tenant: str, wish: Wish, eyes: Eyes) -> Events:
    """The next events. InputInvalid for a cursor that is none of this stream."""
    gone, newest = bounds(connection, tenant)
    at = begin = _begin(connection, tenant, wish, newest)
    items: list[Event] = []
    types, looked = [name for name in TYPES if fits(name, wish.types)], 0
    while at < newest and looked < MOST_SCANNED and len(items) < wish.limit:
        query = select(event).where(
            event.c.tenant == tenant, event.c.seq > at, event.c.seq <= newest, event.c.type.in_(types))
        rows = connection.execute(query.order_by(event.c.seq).limit(SLICE)).all()
        looked += len(rows)
        shown = _seen(connection, tenant, rows, wish, eyes)
        at = rows[-1].seq if len(rows) == SLICE else newest
        if len(items) + len(shown) > wish.limit:
            shown = shown[: wish.limit - len(items)]
            at = int(shown[-1].sequence)
        items += shown
    forgotten = wish.after not in (None, NEWEST) and begin < gone
    return Events(items=tuple(items), cursor=str(at), more=at < newest, forgotten=forgotten)


def event_of(row: Row[Any], data: Mapping[str, JsonValue]) -> Event:
    """A row as a CloudEvent."""
    time = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Event(
        id=row.id, source=f"/gururmm/{row.tenant}", type=PREFIX + row.type, subject=row.subject, time=time,
        sequence=str(row.seq), customer=row.customer or None, site=row.site or None, device=row.device or None,
        data=dict(data),
    )


def _begin(connection: Connection, tenant: str, wish: Wish, newest: int) -> int:
    if wish.after == NEWEST:
        return newest
    if wish.after is not None:
        at = number_of(wish.after)
        if at > newest:
            raise InputInvalid("the cursor is beyond the newest event", hint=f"begin anew, with after={NEWEST}")
        return at
    if wish.since is None:
        return 0
    first = select(func.min(event.c.seq)).where(event.c.tenant == tenant, event.c.at >= wish.since)
    found = connection.execute(first).scalar()
    return newest if found is None else found - 1


def _seen(connection: Connection, tenant: str, rows: Sequence[Row[Any]], wish: Wish, eyes: Eyes) -> list[Event]:
    """Those in sight that are wanted."""
    partial = [row for row in rows if not _sight(eyes, row).whole]
    wanted = {row.device for row in (rows if wish.selector else partial) if row.device}
    known = {one.id: one for one in among(connection, tenant, sorted(wanted))} if wanted else {}
    jobs = eyes.jobs(connection, {row.job for row in partial if row.job}, eyes.sights["device.read"]) if partial else {}
    found = []
    for row in rows:
        data = _data(row, _sight(eyes, row), known, jobs)
        if data is not None and _selected(row, known, wish.selector, eyes.labels):
            found.append(event_of(row, data))
    return found


def _sight(eyes: Eyes, row: Row[Any]) -> Sight:
    return eyes.sights[TYPES[row.type].verb]


def _data(
    row: Row[Any], sight: Sight, known: Mapping[str, Device], jobs: Mapping[str, bool]
) -> Mapping[str, JsonValue] | None:
    """What of an event may be told; None when nothing may."""
    kind: Kind = TYPES[row.type]
    data: dict[str, JsonValue] = json.loads(row.data)
    if sight.whole or (row.job and jobs.get(row.job)):
        return data
    if row.job:
        return _bare(kind, data) if row.job in jobs else None
    if row.customer:
        return data if sight.sees_at(Place(row.customer, row.site), known.get(row.device)) else None
    return _bare(kind, data) if kind.bare and not row.device else None


def _bare(kind: Kind, data: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    return {name: data[name] for name in kind.bare if name in data}


def _selected(row: Row[Any], known: Mapping[str, Device], selector: Selector | None, labels: Labels) -> bool:
    if selector is None:
        return True
    one = known.get(row.device)
    return one is not None and selector.matches(labels(one), one.place, one.name, id=one.id)
