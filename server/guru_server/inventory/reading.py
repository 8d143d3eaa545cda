"""Reads of the inventory: tables of one device, what changed, which devices have what. It never writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, desc, func, or_, select, tuple_

from guru_policy.inventory import Device
from guru_policy.query.kept import KEPT_BY_NAME, OF_QUERY
from guru_server.cursors import Key
from guru_server.inventory.items import Body, bodies_of, unpacked
from guru_server.inventory.tables import inventory_change, inventory_item, inventory_state
from guru_wire.holdings import (
    ChangedRow,
    FoundDevice,
    HeldRow,
    InventoryTable,
    PendingUpdates,
    SoftwareHolder,
    SoftwareRow,
)

MOST_HITS = 20_000                      # rows that a text is found in
_SLICE = 500                            # devices in one statement
_NAMED = 5                              # updates that are told by name
# Where a text is looked for, by table: the column, and what people call it.
SOUGHT: Mapping[str, Mapping[str, str]] = {
    "interfaces": {"address": "ip", "mac": "mac"},
    "users": {"username": "user", "description": "user"},
    "logged_in": {"user": "logged in"},
    "hardware": {"hardware_serial": "serial", "uuid": "uuid"},
    "disks": {"serial": "disk serial"},
    "usb": {"serial": "usb serial"},
}
_FACTS = {"hostname": "hostname", "ip": "ip", "mac": "mac", "serial": "serial"}


class Listing(NamedTuple):
    """A device's table as stored."""

    device: str
    at: int
    numbers: bytes


class Changes(NamedTuple):
    """A page of changes; `total` counts all, `next` is the last of the page when there are more."""

    rows: list[ChangedRow]
    total: int
    next: Key | None                    # at, kind, key


def tables_of(connection: Connection, tenant: str, device: str) -> tuple[InventoryTable, ...]:
    """What the device told of, by table."""
    table = inventory_state.c
    query = select(table.kind, table.at, table["count"], table.cut, table.stale).where(
        table.tenant == tenant, table.device == device, table.kind.not_like(f"{OF_QUERY}%"))
    return tuple(
        InventoryTable(table=row.kind, at=row.at, rows=row[2], cut=row.cut, stale=row.stale)
        for row in connection.execute(query.order_by(table.kind))
    )


def rows_of(connection: Connection, tenant: str, device: str, kind: str, wanted: str = "") -> list[HeldRow]:
    """The rows of a device's table in which the text stands, in the order of their names."""
    table = inventory_state.c
    stored = connection.execute(select(table.numbers).where(
        table.tenant == tenant, table.device == device, table.kind == kind)).scalar()
    if stored is None:
        return []
    since = _since(connection, tenant, [device], kind)
    found = bodies_of(connection, tenant, unpacked(stored))
    return [
        HeldRow(row=body, since=since.get((device, number)))
        for number, body in sorted(found.items(), key=lambda one: named(kind, one[1]))
        if _says(body, wanted)
    ]


def changes(
    connection: Connection, tenant: str, device: str, *, kind: str = "", since: int = 0, after: Key | None = None,
    most: int = 500,
) -> Changes:
    """What changed, the newest first."""
    table = inventory_change.c
    query = select(inventory_change).where(
        table.tenant == tenant, table.device == device, table.at >= since, table.kind.not_like(f"{OF_QUERY}%"))
    if kind:
        query = query.where(table.kind == kind)
    total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    if after is not None:
        query = query.where(or_(table.at < after[0], (table.at == after[0]) & (
            tuple_(table.kind, table.key) > (after[1], after[2]))))
    found = connection.execute(query.order_by(desc(table.at), table.kind, table.key).limit(most + 1)).all()
    rows, more = found[:most], len(found) > most
    numbers = {number for row in rows for number in (row.before, row.after) if number is not None}
    bodies = bodies_of(connection, tenant, numbers)
    told = [_change(row.at, row.kind, bodies.get(row.before), bodies.get(row.after)) for row in rows]
    return Changes(told, total, (rows[-1].at, rows[-1].kind, rows[-1].key) if more else None)


def software(connection: Connection, tenant: str, devices: Collection[str], wanted: str) -> list[SoftwareRow]:
    """Every package that one of the devices has and whose name holds the text, by name and version."""
    counts: Counter[int] = Counter()
    only = set(_hits(connection, tenant, "packages", wanted)) if wanted else None
    for listing in _listings(connection, tenant, "packages", devices):
        numbers = unpacked(listing.numbers)
        counts.update(numbers if only is None else only.intersection(numbers))
    totals: Counter[tuple[str, str, str]] = Counter()
    for number, body in bodies_of(connection, tenant, counts).items():
        totals[_text(body, "name"), _text(body, "version"), _text(body, "manager")] += counts[number]
    return [SoftwareRow(name=name, version=version, manager=manager, devices=count)
            for (name, version, manager), count in sorted(totals.items())]


def holders(
    connection: Connection, tenant: str, devices: Mapping[str, Device], name: str, version: str = ""
) -> list[SoftwareHolder]:
    """Which of the devices have the package of that name, in which version and since when."""
    numbers = _hits(connection, tenant, "packages", name, exactly=True)
    bodies = {number: body for number, body in bodies_of(connection, tenant, numbers).items()
              if version in ("", body.get("version"))}
    have = [(one.device, number) for one in _listings(connection, tenant, "packages", devices)
            for number in bodies.keys() & set(unpacked(one.numbers))]
    since = _since(connection, tenant, sorted({device for device, _ in have}), "packages")
    return sorted((
        SoftwareHolder(
            **_where(devices[device]), package=_text(bodies[number], "name"),
            version=_text(bodies[number], "version"), arch=_text(bodies[number], "arch"),
            manager=_text(bodies[number], "manager"), since=since.get((device, number)),
        )
        for device, number in have
    ), key=lambda one: (one.customer, one.site, one.name, one.id, one.version, one.arch))


def pending(connection: Connection, tenant: str, devices: Mapping[str, Device]) -> list[PendingUpdates]:
    """What each of the devices could update; those with most of security first, devices without any left out."""
    listings = {one.device: one for one in _listings(connection, tenant, "updates", devices) if one.numbers}
    bodies = bodies_of(connection, tenant, {
        number for one in listings.values() for number in unpacked(one.numbers)})
    found = []
    for device, listing in listings.items():
        rows = [bodies[number] for number in unpacked(listing.numbers) if number in bodies]
        rows.sort(key=lambda body: (not body.get("security"), _text(body, "name")))
        found.append(PendingUpdates(
            **_where(devices[device]), updates=len(rows), security=sum(bool(body.get("security")) for body in rows),
            names=tuple(_text(body, "name") for body in rows[:_NAMED]), at=listing.at,
        ))
    return sorted(found, key=lambda one: (-one.security, -one.updates, one.customer, one.site, one.name))


def find(connection: Connection, tenant: str, devices: Mapping[str, Device], wanted: str) -> list[FoundDevice]:
    """The devices in which the text stands: name, id, place, labels, addresses, serials, people. One row a field."""
    found: set[tuple[str, str, str]] = set()
    low = wanted.lower()
    for device in devices.values():
        found.update((device.id, field, value) for field, value in _own(device) if low in value.lower())
    for kind, fields in SOUGHT.items():
        bodies = bodies_of(connection, tenant, _hits(connection, tenant, kind, wanted, bodies=True))
        told = {number: [(field, value) for column, field in fields.items()
                         if low in (value := _text(body, column)).lower()] for number, body in bodies.items()}
        for listing in _listings(connection, tenant, kind, devices) if told else ():
            for number in told.keys() & set(unpacked(listing.numbers)):
                found.update((listing.device, field, value) for field, value in told[number])
    rows = (FoundDevice(**_where(devices[ident]), field=field, value=value) for ident, field, value in found)
    return sorted(rows, key=lambda one: (one.customer, one.site, one.name, one.id, one.field, one.value))


def _own(device: Device) -> Iterator[tuple[str, str]]:
    """What a device is found by without its inventory."""
    yield "name", device.name
    yield "id", device.id
    yield "customer", device.place.customer
    yield "site", device.place.site
    for name, field in _FACTS.items():
        yield field, str(device.facts.get(name, ""))
    for name, value in device.op_labels.items():
        yield f"op/{name}", str(value)


def _hits(
    connection: Connection, tenant: str, kind: str, wanted: str, *, exactly: bool = False, bodies: bool = False
) -> list[int]:
    """Numbers of the rows in whose name, or anywhere in whose body, the text stands."""
    table = inventory_item.c
    low = wanted.lower()
    if exactly:
        holds = table.name == low[:200]
    elif bodies:
        holds = table.body.icontains(wanted, autoescape=True)
    else:
        holds = table.name.contains(low, autoescape=True)
    query = select(table.id).where(table.tenant == tenant, table.kind == kind, holds).limit(MOST_HITS)
    return list(connection.execute(query).scalars())


def _listings(connection: Connection, tenant: str, kind: str, devices: Collection[str]) -> Iterator[Listing]:
    table, ids = inventory_state.c, sorted(devices)
    for start in range(0, len(ids), _SLICE):
        query = select(table.device, table.at, table.numbers).where(
            table.tenant == tenant, table.device.in_(ids[start : start + _SLICE]), table.kind == kind)
        yield from map(Listing._make, connection.execute(query))


def _since(
    connection: Connection, tenant: str, devices: Sequence[str], kind: str
) -> dict[tuple[str, int], int]:
    """When rows that are there came, by device and number; those from the beginning are not in it."""
    table, found = inventory_change.c, dict[tuple[str, int], int]()
    for start in range(0, len(devices), _SLICE):
        query = select(table.device, table.after, table.at).where(
            table.tenant == tenant, table.device.in_(devices[start : start + _SLICE]), table.kind == kind,
            table.after.is_not(None)).order_by(table.at)
        found |= {(row.device, row.after): row.at for row in connection.execute(query)}
    return found


def _change(at: int, kind: str, before: Body | None, after: Body | None) -> ChangedRow:
    body = after or before or {}
    return ChangedRow(
        at=at, table=kind, change="added" if before is None else "removed" if after is None else "changed",
        name=named(kind, body), before=before, after=after,
    )


def _says(body: Body, wanted: str) -> bool:
    low = wanted.lower()
    return not low or any(low in str(value).lower() for value in body.values())


def _text(body: Body, name: str) -> str:
    return str(body.get(name, ""))


def _where(device: Device) -> dict[str, str]:
    return {"id": device.id, "name": device.name, "customer": device.place.customer, "site": device.place.site}


def named(kind: str, body: Body) -> str:
    """What a row of a table is called by: its key in words."""
    kept = KEPT_BY_NAME.get(kind)
    return " ".join(_text(body, name) for name in kept.key if body.get(name) is not None) if kept else ""


def by_id(devices: Iterable[Device]) -> dict[str, Device]:
    """The devices by their ids."""
    return {one.id: one for one in devices}
