"""What becomes of devices that are held: let in, kept out, put in another's place, quarantined. No HTTP."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select

from guru_policy.errors import Conflict, InputInvalid
from guru_policy.inventory import Device, Place
from guru_server.fleet import cloning
from guru_server.fleet.changing import revoke
from guru_server.fleet.holding import hold
from guru_server.fleet.tables import device
from guru_server.identity.enrolling import alike
from guru_server.rights.asking import Sight
from guru_server.store.schema import metadata
from guru_wire.admission import PendingRow
from guru_wire.operator import Admitted

# What a device that takes another's place goes on with. Manifests, seals and orders name their device: made anew.
HISTORY = (
    "sample_head", "sample_chunk", "rollup", "check_state", "alert", "run", "refusal", "override", "schedule_run",
)


class Standing(NamedTuple):
    """A device as a decision about it sees it."""

    device: Device
    held: str


def of(connection: Connection, tenant: str, device_id: str) -> Standing:
    """The device, which is there and not revoked, locked until the transaction ends."""
    mine = (device.c.tenant == tenant, device.c.id == device_id, device.c.revoked_at.is_(None))
    row = connection.execute(select(device).where(*mine).with_for_update()).one()
    return Standing(Device(row.id, row.name, Place(row.customer, row.site), orjson.loads(row.facts),
                           orjson.loads(row.op_labels)), row.held)


def waiting(connection: Connection, tenant: str, sight: Sight) -> list[PendingRow]:
    """The devices in sight that are held, the newest first."""
    query = select(device).where(device.c.tenant == tenant, device.c.held != "", device.c.revoked_at.is_(None))
    rows = [
        row for row in connection.execute(query.order_by(device.c.held_at.desc(), device.c.id))
        if sight.sees(Device(row.id, row.name, Place(row.customer, row.site), orjson.loads(row.facts),
                             orjson.loads(row.op_labels)))
    ]
    return [
        PendingRow(
            id=row.id, name=row.name, customer=row.customer, site=row.site, held=row.held, why=row.held_why,
            since=row.held_at or row.enrolled_at, hardware=row.hardware[:16],
            alike=alike(connection, tenant, row.hardware, row.id), public_key=row.public_key,
            enrolled_by=row.enrolled_by,
        ) for row in rows
    ]


def approve(connection: Connection, tenant: str, one: Standing, now: int) -> Admitted:
    """Let a device that waits come in; Conflict when it does not wait."""
    _require(one, "pending")
    hold(connection, tenant, one.device.id, "", "", now)
    return admitted(connection, tenant, one.device.id)


def take_over(connection: Connection, tenant: str, one: Standing, old: Standing, now: int) -> Admitted:
    """Let it in as the machine that `old` was: history, labels and name go on, the old key never comes back."""
    _require(one, "pending")
    if old.device.id == one.device.id or old.held == "pending":
        raise InputInvalid("a device takes the place of another one that is in the fleet")
    if old.device.place.customer != one.device.place.customer:
        raise InputInvalid("history never moves to another customer", hint="approve it as a new device")
    revoke(connection, tenant, old.device.id, now, "replaced")
    for name in HISTORY:
        table = metadata.tables[name]
        connection.execute(
            table.update().where(table.c.tenant == tenant, table.c.device == old.device.id)
            .values(device=one.device.id)
        )
    labels = {**old.device.op_labels, **one.device.op_labels}
    name = old.device.name if old.device.place == one.device.place else one.device.name
    mine = (device.c.tenant == tenant, device.c.id == one.device.id)
    connection.execute(device.update().where(*mine).values(
        name=name, op_labels=orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode()
    ))
    hold(connection, tenant, one.device.id, "", "", now)
    return admitted(connection, tenant, one.device.id)


def deny(connection: Connection, tenant: str, one: Standing, now: int) -> Admitted:
    """Keep a device that waits out for good; its key never comes back."""
    _require(one, "pending")
    told = admitted(connection, tenant, one.device.id)
    revoke(connection, tenant, one.device.id, now, "denied")
    return told


def quarantine(connection: Connection, tenant: str, one: Standing, why: str, now: int) -> Admitted:
    """Give the device nothing and believe nothing it says; again changes nothing but the reason."""
    if one.held == "pending":
        raise Conflict("this device waits to be let in", hint="`guru enroll pending deny` keeps it out")
    hold(connection, tenant, one.device.id, "quarantined", why, now)
    return admitted(connection, tenant, one.device.id)


def release(connection: Connection, tenant: str, one: Standing, now: int) -> Admitted:
    """End a quarantine; what made it suspicious is forgotten, so that it is found again only when it goes on."""
    _require(one, "quarantined")
    hold(connection, tenant, one.device.id, "", "", now)
    cloning.forget(connection, tenant, one.device.id)
    return admitted(connection, tenant, one.device.id)


def admitted(connection: Connection, tenant: str, device_id: str) -> Admitted:
    """The device as it stands now."""
    one = of(connection, tenant, device_id)
    place = one.device.place
    return Admitted(device=device_id, name=one.device.name, customer=place.customer, site=place.site, held=one.held)


def _require(one: Standing, held: str) -> None:
    if one.held != held:
        state = {"": "in the fleet", "pending": "waiting to be let in"}.get(one.held, one.held)
        raise Conflict(f"{one.device.name} is {state}, not {held}", hint="`guru enroll pending list` shows who is held")
