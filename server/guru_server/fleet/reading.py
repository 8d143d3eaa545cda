"""Reads of single devices; it never writes and shows no live state."""

from __future__ import annotations

import base64
from difflib import get_close_matches
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Row, func, select

from guru_policy.errors import Conflict, NotFound
from guru_policy.inventory import Device, Place
from guru_server.fleet.holding import withheld_of
from guru_server.fleet.state import Signs
from guru_server.fleet.tables import device, device_state
from guru_server.rights.asking import Sight
from guru_wire.admission import Held, WithheldRow
from guru_wire.operator import RunSummary
from guru_wire.uplink import ServiceState

_INVENTORY = (device.c.id, device.c.name, device.c.customer, device.c.site, device.c.facts, device.c.op_labels)
_SIGNS = (
    device_state.c.last_seen, device_state.c.connected, device_state.c.heartbeat,
    device_state.c.desired_serial, device_state.c.applied_serial, device_state.c.converged,
    device_state.c.state_since,
)
MOST_NAMED = 10                         # devices an ambiguous name lists
MOST_COMPARED = 2000                    # names that a wrong one is compared with


class Known(NamedTuple):
    """One device with everything the fleet keeps of it. Times are ms UTC."""

    device: Device
    public_key: bytes
    services: tuple[ServiceState, ...]
    facts_at: int | None
    agent_version: str
    enrolled_at: int
    signs: Signs
    desired_revision: str | None
    applied_revision: str | None
    run: RunSummary | None
    held: Held
    held_why: str
    key_at: int
    hardware: str
    withheld: tuple[WithheldRow, ...]


def known(connection: Connection, tenant: str, device_id: str) -> Known:
    """The device of this id; NotFound when there is none or it was revoked."""
    state = device_state.c
    query = (
        select(device, *_SIGNS, state.desired_revision, state.applied_revision, state.run,
               state.agent_version.label("running"))
        .join(device_state, (state.tenant == device.c.tenant) & (state.device == device.c.id))
        .where(device.c.tenant == tenant, device.c.id == device_id, device.c.revoked_at.is_(None))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _nobody(device_id)
    return Known(
        device=_device(row),
        public_key=base64.b64decode(row.public_key),
        services=tuple(ServiceState.model_validate(one) for one in orjson.loads(row.services)),
        facts_at=row.facts_at,
        agent_version=row.running or row.agent_version,
        enrolled_at=row.enrolled_at,
        signs=Signs(*(getattr(row, column.name) for column in _SIGNS)),
        desired_revision=row.desired_revision,
        applied_revision=row.applied_revision,
        run=RunSummary.model_validate_json(row.run) if row.run else None,
        held=row.held, held_why=row.held_why, key_at=row.key_at or row.enrolled_at, hardware=row.hardware,
        withheld=withheld_of(connection, tenant, device_id),
    )


def resolve(connection: Connection, tenant: str, ref: str, sight: Sight | None = None) -> str:
    """The id of the device that `ref` means: an id, a name that only one has, or customer/site/name.

    NotFound when nothing has that name; Conflict listing the devices when several have. With a sight, devices
    out of it are as good as not there.
    """
    living = (device.c.tenant == tenant, device.c.revoked_at.is_(None))
    query = select(*_INVENTORY).where(*living, _meaning(ref)).order_by(device.c.customer, device.c.site)
    if sight is None or sight.whole:
        query = query.limit(MOST_NAMED + 1)
    rows = [_plain(*row) for row in connection.execute(query).all()]
    seen = [one for one in rows if sight is None or sight.sees(one)]
    if not seen:
        if rows and sight is not None:
            sight.hidden(f"device:{rows[0].id}")
        raise _nobody(ref, _near(connection, tenant, ref) if sight is None or sight.whole else "")
    exact = [one for one in seen if one.id == ref]
    if len(seen) > 1 and not exact:
        full = ", ".join(f"{one.place.customer}/{one.place.site}/{one.name}" for one in seen[:MOST_NAMED])
        more = " and more" if len(seen) > MOST_NAMED else ""
        raise Conflict(f"several devices are named {ref}: {full}{more}", hint="write customer/site/name")
    return (exact or seen)[0].id


def _plain(ident: str, name: str, customer: str, site: str, facts: str, labels: str) -> Device:
    return Device(ident, name, Place(customer, site), orjson.loads(facts), orjson.loads(labels))


def _meaning(ref: str) -> ColumnElement[bool]:
    parts = ref.split("/")
    if len(parts) == 3:
        customer, site, name = parts
        return (device.c.customer == customer) & (device.c.site == site) & (device.c.name == name)
    return (device.c.id == ref) | (device.c.name == ref)


def _device(row: Row[*tuple[Any, ...]]) -> Device:
    return Device(
        id=row.id, name=row.name, place=Place(row.customer, row.site),
        facts=orjson.loads(row.facts), op_labels=orjson.loads(row.op_labels),
    )


def _near(connection: Connection, tenant: str, ref: str) -> str:
    """The name most like `ref` that some device has; empty when none is like it."""
    wanted = ref.rpartition("/")[2]
    length = func.length(device.c.name).between(len(wanted) - 2, len(wanted) + 2)
    query = select(device.c.name).where(device.c.tenant == tenant, device.c.revoked_at.is_(None), length)
    alike = query.where(device.c.name.startswith(wanted[:1], autoescape=True)).limit(MOST_COMPARED)
    found = get_close_matches(wanted, [row.name for row in connection.execute(alike)], 1, 0.75)
    return found[0] if found else ""


def _nobody(ref: str, near: str = "") -> NotFound:
    meant = f"did you mean {near}? " if near else ""
    return NotFound(f"no device is called {ref[:128]}", hint=f"{meant}`guru device list` shows every device")
