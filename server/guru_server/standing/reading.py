"""The queries in force, and what is kept of their answers. It never writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, tuple_

from guru_policy.inventory import Device
from guru_policy.kinds.query import Query
from guru_policy.objects.object import Object
from guru_policy.query.kept import OF_QUERY
from guru_server.cursors import Key, Paging
from guru_server.inventory.items import Body, bodies_of, unpacked
from guru_server.inventory.tables import inventory_change, inventory_state
from guru_server.store.binding import whose
from guru_wire.standing import KeptAnswer, KeptRow, QueryChange, QueryHolder, SavedQuery

MOST_ROWS = 10_000                      # of one page, beyond those of its last device
_SLICE, _MOST_READ = 500, 1_000


def saved(item: Object, revision: str) -> SavedQuery | None:
    """A query in a list."""
    spec = item.spec
    if not isinstance(spec, Query):
        return None
    return SavedQuery(
        name=item.name, scope=str(item.key.scope), sql=spec.sql, every=spec.every, results=spec.results,
        selector=spec.selector, revision=revision,
    )


def kept(
    connection: Connection, devices: Mapping[str, Device], queries: Sequence[SavedQuery], *, paging: Paging, most: int
) -> KeptAnswer:
    """The answers of these devices to a query, a page of devices; `queries` all have its name."""
    name = queries[0].name
    kind, now = f"{OF_QUERY}{name}", {hashlib.sha256(one.sql.encode()).hexdigest() for one in queries}
    holders = _holders(connection, kind, devices)
    cut, after = paging.cut(holders, most, lambda one: _place(devices[one.device]))
    page: list[Row[Any]] = []
    for row in cut:
        if sum(one.held for one in page) >= MOST_ROWS:
            after = paging.cursor(_place(devices[page[-1].device]))
            break
        page.append(row)
    columns = dict.fromkeys(name for row in page for name in _columns(row))
    return KeptAnswer(
        name=name, columns=tuple(columns), devices=tuple(_holder(row, devices[row.device], now) for row in page),
        rows=tuple(
            KeptRow(device=device, values=tuple(body.get(one) for one in columns), since=since)
            for device, body, since in _rows(connection, kind, page)
        ),
        total=len(holders), next=after,
    )


def history(
    connection: Connection, devices: Mapping[str, Device], name: str, *, since: int, paging: Paging, most: int
) -> tuple[list[QueryChange], str | None]:
    """What came and went, the newest first, and the cursor of the next page."""
    found, follows = list[Row[Any]](), None
    for row in _changes(connection, f"{OF_QUERY}{name}", since, paging.after(int, str, str)):
        if row.device in devices and (row.before is None) != (row.after is None):
            if len(found) == most:
                follows = paging.cursor((found[-1].at, found[-1].device, found[-1].key))
                break
            found.append(row)
    numbers = {number for row in found for number in (row.before, row.after) if number is not None}
    bodies = bodies_of(connection, whose(connection), numbers)
    return [_change(row, devices[row.device], bodies) for row in found], follows


def _changes(connection: Connection, kind: str, since: int, after: Key | None) -> Iterator[Row[Any]]:
    """The changes after that place, the newest first, no more at once than one answer may have."""
    change = inventory_change.c
    while True:
        query = select(inventory_change).where(
            change.tenant == whose(connection), change.kind == kind, change.at >= since)
        if after is not None:
            query = query.where(or_(change.at < after[0], (change.at == after[0]) & (
                tuple_(change.device, change.key) > (after[1], after[2]))))
        rows = connection.execute(query.order_by(change.at.desc(), change.device, change.key).limit(_MOST_READ)).all()
        yield from rows
        if len(rows) < _MOST_READ:
            return
        after = (rows[-1].at, rows[-1].device, rows[-1].key)


def _change(row: Row[Any], here: Device, bodies: Mapping[int, Body]) -> QueryChange:
    came = row.before is None
    return QueryChange(
        at=row.at, id=row.device, name=here.name, customer=here.place.customer, site=here.place.site,
        change="added" if came else "removed", row=bodies.get(row.after if came else row.before, {}),
    )


def _holders(connection: Connection, kind: str, devices: Mapping[str, Device]) -> list[Row[Any]]:
    table, ids = inventory_state.c, sorted(devices)
    found: list[Row[Any]] = []
    for start in range(0, len(ids), _SLICE):
        found += connection.execute(select(
            table.device, table.at, table["count"].label("held"), table.cut, table.stale, table.columns, table.about,
            table.problem, table.numbers,
        ).where(
            table.tenant == whose(connection), table.device.in_(ids[start : start + _SLICE]), table.kind == kind))
    return found


def _rows(connection: Connection, kind: str, page: Sequence[Row[Any]]) -> Iterator[tuple[str, Body, int | None]]:
    """The rows of these devices, each device's in the order of its columns, with when they came."""
    bodies = bodies_of(connection, whose(connection), {number for row in page for number in unpacked(row.numbers)})
    came = _came(connection, kind, [row.device for row in page])
    for row in page:
        mine = [number for number in unpacked(row.numbers) if number in bodies]
        columns = _columns(row)
        mine.sort(key=lambda number: [str(bodies[number].get(name, "")) for name in columns])
        for number in mine:
            yield row.device, bodies[number], came.get((row.device, number))


def _came(connection: Connection, kind: str, devices: Sequence[str]) -> dict[tuple[str, int], int]:
    """When rows came that were not there from the beginning, by device and number."""
    change, found = inventory_change.c, dict[tuple[str, int], int]()
    for start in range(0, len(devices), _SLICE):
        newest = connection.execute(select(change.device, change.after, func.max(change.at)).where(
            change.tenant == whose(connection), change.device.in_(devices[start : start + _SLICE]),
            change.kind == kind, change.after.is_not(None)).group_by(change.device, change.after))
        found |= {(one.device, one.after): one[2] for one in newest}
    return found


def _holder(row: Row[Any], here: Device, now: Collection[str]) -> QueryHolder:
    """`now` are the questions in force, by digest."""
    return QueryHolder(
        id=row.device, name=here.name, customer=here.place.customer, site=here.place.site, at=row.at, rows=row.held,
        cut=row.cut, stale=row.stale, old=row.about not in now, problem=row.problem,
    )


def _columns(row: Row[Any]) -> list[str]:
    return [str(name) for name in json.loads(row.columns or "[]")]


def _place(device: Device) -> tuple[str, str, str, str]:
    return device.place.customer, device.place.site, device.name, device.id
