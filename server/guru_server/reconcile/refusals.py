"""What devices would not take, kept for people: ten causes a device, each with how often. It judges nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, not_, select, text

from guru_server.clock import Clock
from guru_server.fleet.tables import device, device_state
from guru_server.gateway.items import Received, Recorder
from guru_server.gateway.plain import plain
from guru_server.reconcile.tables import refusal
from guru_wire.operator import RefusalRow
from guru_wire.uplink import Refusal

CAUSES_A_DEVICE = 10

_KEEP = text(
    "INSERT INTO refusal (tenant, device, cause, first_at, at, times, code, message, serial)"
    " VALUES (:tenant, :device, :cause, :at, :at, 1, :code, :message, :serial)"
    " ON CONFLICT (tenant, device, cause) DO UPDATE SET times = refusal.times + 1,"
    " first_at = CASE WHEN excluded.at < refusal.first_at THEN excluded.at ELSE refusal.first_at END,"
    " at = CASE WHEN excluded.at > refusal.at THEN excluded.at ELSE refusal.at END"
)
_FORGET = text(
    "DELETE FROM refusal WHERE tenant = :tenant AND device = :device AND cause NOT IN (SELECT cause"
    " FROM refusal WHERE tenant = :tenant AND device = :device ORDER BY at DESC, cause LIMIT :most)"
)


class Refusing(NamedTuple):
    """A device that refused something, and took nothing newer since. `at` is ms UTC."""

    device: str
    name: str
    at: int


def refusal_recorder(now: Clock) -> Recorder:
    """The Recorder of refusals. A device's time counts, but none later than `now`."""

    def record(connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        for item in items:
            _record(connection, item, Refusal.model_validate(item.body), now())
        return {}

    return record


def refusals(connection: Connection, tenant: str, device_id: str) -> tuple[RefusalRow, ...]:
    """What the device refused, the newest first."""
    query = select(refusal).where(refusal.c.tenant == tenant, refusal.c.device == device_id)
    return tuple(
        RefusalRow(
            at=row.at, first_at=row.first_at, times=row.times, code=row.code, message=row.message,
            serial=row.serial,
        )
        for row in connection.execute(query.order_by(refusal.c.at.desc(), refusal.c.cause))
    )


def refusing(connection: Connection, tenant: str, device_id: str | None = None) -> tuple[Refusing, ...]:
    """Devices whose newest refusal still stands, by name: all that are not revoked, or only this one.

    A refusal stands until the device reports a run with its newest manifest that ended after it.
    """
    newest = func.max(refusal.c.at)
    over = and_(
        device_state.c.applied_serial == device_state.c.desired_serial,
        func.coalesce(device_state.c.run_at, 0) >= newest,
    )
    state = device_state.c
    query = (
        select(device.c.id, device.c.name, newest)
        .join(refusal, and_(refusal.c.tenant == device.c.tenant, refusal.c.device == device.c.id))
        .join(device_state, and_(state.tenant == device.c.tenant, state.device == device.c.id))
        .where(device.c.tenant == tenant, device.c.revoked_at.is_(None))
        .group_by(device.c.id, device.c.name, state.applied_serial, state.desired_serial, state.run_at)
        .having(not_(over))
        .order_by(device.c.name, device.c.id)
    )
    if device_id is not None:
        query = query.where(device.c.id == device_id)
    return tuple(Refusing(*row) for row in connection.execute(query))


def _record(connection: Connection, item: Received, said: Refusal, now: int) -> None:
    code, message = plain(said.code, 16), plain(said.message, 500)
    cause = hashlib.sha256(f"{code}\n{message}\n{said.serial}".encode()).hexdigest()[:16]
    owner = {"tenant": item.tenant, "device": item.device}
    connection.execute(_KEEP, {
        **owner, "cause": cause, "at": min(said.at, now), "code": code, "message": message,
        "serial": said.serial,
    })
    connection.execute(_FORGET, {**owner, "most": CAUSES_A_DEVICE})
