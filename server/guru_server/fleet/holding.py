"""Devices that are held: pending until somebody lets them in, or in quarantine. It decides and publishes nothing.

What such a device sends is counted by kind and never becomes state, alerts or inventory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select, text

from guru_server.fleet.tables import device, key_tombstone, withheld
from guru_server.gateway.plain import plain
from guru_server.store.binding import whose
from guru_wire.admission import Held, WithheldRow

EXCERPT = 2000                          # characters of the newest item of a kind
CHECK = "guru-identity"                 # the check that is critical while a device is in quarantine
KINDS = 16                              # of one device
_BURIED = text(
    "INSERT INTO key_tombstone (tenant, public_key, device, why, at)"
    " SELECT tenant, public_key, id, :why, :now FROM device WHERE tenant = :tenant AND id = :device"
    " ON CONFLICT DO NOTHING"
)
_SUSPECT = text(                        # whatever time stands there: the device may have written the row itself
    "INSERT INTO check_state (tenant, device, check_id, state, since, at, unit, message, missed, seen_at)"
    " VALUES (:tenant, :device, :check, 'critical', :now, :now, '', :why, 0, :now)"
    " ON CONFLICT (tenant, device, check_id) DO UPDATE SET state = excluded.state, since = excluded.since,"
    " at = excluded.at, message = excluded.message, missed = 0, seen_at = excluded.seen_at"
)
_CLEARED = text(
    "UPDATE check_state SET state = 'ok', since = :now, at = :now, seen_at = :now, message = ''"
    " WHERE tenant = :tenant AND device = :device AND check_id = :check"
)
_COUNTED = text(
    "INSERT INTO withheld (tenant, device, kind, count, bytes, excerpt, first_at, last_at)"
    " VALUES (:tenant, :device, :kind, :count, :bytes, :excerpt, :now, :now)"
    " ON CONFLICT (tenant, device, kind) DO UPDATE SET count = withheld.count + excluded.count,"
    " bytes = withheld.bytes + excluded.bytes, excerpt = excluded.excerpt, last_at = excluded.last_at"
)
_STANDING = (
    "SELECT id, revoked_at, held, rotate_asked FROM device WHERE tenant = :tenant AND "
)
_AMONG = text(_STANDING + "id IN :ids").bindparams(bindparam("ids", expanding=True))
_SINCE = text(_STANDING + "(revoked_at >= :since OR held_at >= :since)")
_SLICE = 500


class Standing(NamedTuple):
    """What gateways must know of a device besides its key."""

    revoked: bool
    held: str
    rotate: bool


class Counted(NamedTuple):
    """Items of one kind that were withheld together."""

    kind: str
    items: int
    size: int
    excerpt: str


def hold(connection: Connection, tenant: str, device_id: str, held: Held, why: str, now: int) -> None:
    """Hold the device, or with an empty `held` let it go; publish `revoked`, `inventory` and `checks` after the
    commit.
    """
    mine = (device.c.tenant == tenant, device.c.id == device_id)
    connection.execute(device.update().where(*mine).values(held=held, held_why=plain(why, 200), held_at=now))
    _judge(connection, tenant, device_id, held, why, now)


def hold_free(connection: Connection, tenant: str, device_id: str, held: Held, why: str, now: int) -> bool:
    """Hold the device unless it is held or revoked already; whether it was done."""
    mine = (
        device.c.tenant == tenant, device.c.id == device_id, device.c.held == "", device.c.revoked_at.is_(None),
    )
    done = connection.execute(device.update().where(*mine).values(held=held, held_why=plain(why, 200), held_at=now))
    if done.rowcount:
        _judge(connection, tenant, device_id, held, why, now)
    return bool(done.rowcount)


def _judge(connection: Connection, tenant: str, device_id: str, held: Held, why: str, now: int) -> None:
    """Our own verdict about the device: alert rules that watch the check CHECK fire while it is in quarantine."""
    values = {"tenant": tenant, "device": device_id, "check": CHECK, "now": now, "why": plain(why, 200)}
    if held == "quarantined":
        connection.execute(_SUSPECT, values)
    elif not held:
        connection.execute(_CLEARED, values)


def ask_rotation(connection: Connection, tenant: str, device_id: str, now: int) -> None:
    """Have the device make a new key; publish `revoked` after the commit."""
    mine = (device.c.tenant == tenant, device.c.id == device_id)
    connection.execute(device.update().where(*mine).values(rotate_asked=True, held_at=now))


def bury(connection: Connection, tenant: str, device_id: str, why: str, now: int) -> None:
    """Keep the device's present key as one that never comes back."""
    connection.execute(_BURIED, {"tenant": tenant, "device": device_id, "why": why, "now": now})


def known_key(connection: Connection, tenant: str, public_key: str) -> bool:
    """Whether the key is, or ever was, a device's."""
    buried = select(key_tombstone.c.device).where(
        key_tombstone.c.tenant == tenant, key_tombstone.c.public_key == public_key
    )
    living = select(device.c.id).where(device.c.tenant == tenant, device.c.public_key == public_key)
    return any(connection.execute(query.limit(1)).first() is not None for query in (buried, living))


def standings_among(connection: Connection, tenant: str, devices: Sequence[str]) -> dict[str, Standing]:
    """How these devices stand; only those that there are."""
    return {
        row.id: Standing(row.revoked_at is not None, row.held, bool(row.rotate_asked))
        for start in range(0, len(devices), _SLICE)
        for row in connection.execute(_AMONG, {"tenant": tenant, "ids": devices[start : start + _SLICE]})
    }


def standings_since(connection: Connection, tenant: str, since: int) -> dict[str, Standing]:
    """The devices whose standing changed at `since` (ms UTC) or later."""
    rows = connection.execute(_SINCE, {"tenant": tenant, "since": since})
    return {row.id: Standing(row.revoked_at is not None, row.held, bool(row.rotate_asked)) for row in rows}


def withhold(connection: Connection, tenant: str, device_id: str, items: Sequence[Counted], now: int) -> None:
    """Count what the device sent: one row a kind, and of each the newest excerpt."""
    mine = (withheld.c.tenant == tenant, withheld.c.device == device_id)
    there = set(connection.execute(select(withheld.c.kind).where(*mine)).scalars())
    for item in sorted(items):
        kind = plain(item.kind, 16)
        if kind not in there and len(there) >= KINDS:
            continue
        there.add(kind)
        connection.execute(_COUNTED, {
            "tenant": tenant, "device": device_id, "kind": kind, "count": item.items, "bytes": item.size,
            "excerpt": plain(item.excerpt, EXCERPT), "now": now,
        })


def withheld_of(connection: Connection, tenant: str, device_id: str) -> tuple[WithheldRow, ...]:
    """What the device sent that nothing was made of, by kind."""
    mine = (withheld.c.tenant == tenant, withheld.c.device == device_id)
    query = select(withheld, withheld.c.count.label("count_")).where(*mine)
    return tuple(
        WithheldRow(kind=row.kind, count=row.count_, bytes=row.bytes, first_at=row.first_at, last_at=row.last_at)
        for row in connection.execute(query.order_by(withheld.c.kind))
    )


def living(connection: Connection, tenant: str) -> int:
    """How many devices there are that were not revoked."""
    here = (device.c.tenant == tenant, device.c.revoked_at.is_(None))
    return int(connection.execute(select(func.count()).select_from(device).where(*here)).scalar_one())


def forget_withheld(connection: Connection, before: int) -> None:
    """Let go of what was last sent before this time (ms UTC)."""
    old = (withheld.c.tenant == whose(connection), withheld.c.last_at < before)
    connection.execute(withheld.delete().where(*old))
