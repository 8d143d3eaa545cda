"""What is kept of overrides: those in force, their ends, and the notes of both. It compiles nothing.

An override is in force from its beginning until its end by this server's clock, and never outside: a clock that
was set back to before its beginning puts it out of force, it does not make it last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, bindparam, delete, func, or_, select

from guru_policy.inventory import Device, Override
from guru_policy.overriding import moment
from guru_server.audit.log import Deed, append
from guru_server.fleet.tables import device
from guru_server.gateway.plain import plain
from guru_server.identity.people import actor_named
from guru_server.overrides.tables import override
from guru_server.store.binding import whose
from guru_wire.operator import Condition
from guru_wire.overriding import OverrideRow

SLACK = 300_000                         # ms that the clocks of two servers may differ
NAMED = 10                              # devices or overrides in a message
_SLICE = 500                            # devices in one statement

Ending = Literal["expired", "removed", "replaced"]


class Place(NamedTuple):
    """One override of one device, as reconcile names it."""

    id: str
    device: str
    path: str


class Ended(NamedTuple):
    """Rows that ended: how many, on which devices."""

    rows: int
    devices: frozenset[str]


def in_force(
    connection: Connection, tenant: str, now: int, device_id: str | None = None
) -> dict[str, tuple[Override, ...]]:
    """The overrides of every device that has any, or of one, each device's by path."""
    query = select(override).where(*_now(tenant, now)).order_by(override.c.device, override.c.path)
    if device_id is not None:
        query = query.where(override.c.device == device_id)
    found: defaultdict[str, list[Override]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["device"]].append(Override(
            row["id"], row["path"], orjson.loads(row["value"]), row["actor"], row["reason"], row["expires_at"],
        ))
    return {name: tuple(each) for name, each in found.items()}


def overridden(devices: Iterable[Device], known: Mapping[str, tuple[Override, ...]]) -> list[Device]:
    """The devices with their overrides."""
    return [replace(one, overrides=known[one.id]) if one.id in known else one for one in devices]


def unfit(connection: Connection, tenant: str) -> dict[Place, str]:
    """Why devices go without an override that has not ended."""
    query = select(override.c.id, override.c.device, override.c.path, override.c.unfit).where(
        override.c.tenant == tenant, override.c.ended_at.is_(None), override.c.unfit != ""
    )
    return {Place(*row[:3]): row[3] for row in connection.execute(query)}


def keep_unfit(connection: Connection, tenant: str, reasons: Mapping[Place, str]) -> None:
    """Keep why devices go without them; an empty reason when they fit again."""
    if reasons:
        change = override.update().where(
            override.c.tenant == tenant, override.c.id == bindparam("an_id"),
            override.c.device == bindparam("a_device"), override.c.path == bindparam("a_path"),
        ).values(unfit=bindparam("why"))
        connection.execute(change, [
            {"an_id": place.id, "a_device": place.device, "a_path": place.path, "why": why}
            for place, why in reasons.items()
        ])


def put(
    connection: Connection, tenant: str, overrides: Sequence[Override], devices: Sequence[Device], now: int,
    *, rule: str = "", revision: str = "",
) -> None:
    """Set these on every one of the devices, in the place of what they have under the same paths.

    `rule` of the rulebook of `revision` allowed it, for the audit log.
    """
    ids = {one.id for one in devices}
    for one in overrides:
        same = and_(override.c.path == one.path, override.c.expires_at > now)
        actor = actor_named(one.actor)
        end(connection, tenant, ids, same, now, ending="replaced", actor=actor, rule=rule, revision=revision)
    expired(connection, tenant, now, ids)       # whose time came, and that nobody looked at yet
    connection.execute(override.insert(), [
        {
            "tenant": tenant, "id": one.id, "device": each.id, "path": one.path,
            "value": orjson.dumps(one.value).decode(), "actor": one.actor, "reason": one.reason, "set_at": now,
            "expires_at": one.until, "ended_at": None, "ending": "", "unfit": "",
        }
        for one in overrides for each in devices
    ])
    for one in overrides:
        said = plain(f"{one.path}={orjson.dumps(one.value).decode()} until {moment(one.until)}: {one.reason}", 500)
        told = Deed(actor_named(one.actor), "OverrideSet", "", said, rule=rule, revision=revision)
        append(connection, now, (
            told._replace(about=f"device:{each.id}", device=each.id, customer=each.place.customer) for each in devices
        ))


def expired(connection: Connection, tenant: str, now: int, devices: Collection[str] | None = None) -> Ended:
    """End those whose time is over, of these devices or of all."""
    return end(
        connection, tenant, devices, override.c.expires_at <= now, now, ending="expired", actor="server"
    )


def end(
    connection: Connection, tenant: str, devices: Collection[str] | None, which: ColumnElement[bool], now: int,
    *, ending: Ending, actor: str, rule: str = "", revision: str = "",
) -> Ended:
    """End the rows that have not ended yet, and note each; `devices` None means all."""
    words = {"expired": "OverrideExpired", "removed": "OverrideRemoved", "replaced": "OverrideReplaced"}
    rows, found = 0, set[str]()
    for ids in [None] if devices is None else _sliced(devices):
        here = [override.c.tenant == tenant, override.c.ended_at.is_(None), which]
        here += [override.c.device.in_(ids)] if ids is not None else []
        ended = connection.execute(
            override.update().where(*here).values(ended_at=now, ending=ending)
            .returning(override.c.id, override.c.device, override.c.path)
        ).all()
        told = Deed(actor, words[ending], "", rule=rule, revision=revision)
        append(connection, now, [
            told._replace(about=f"device:{owner}", result=f"{path} of {name}", device=owner)
            for name, owner, path in ended
        ])
        found |= {owner for _, owner, _ in ended}
        rows += len(ended)
    return Ended(rows, frozenset(found))


def due(connection: Connection, tenant: str, now: int) -> frozenset[str]:
    """The devices with an override whose time is over and that has not ended."""
    query = select(override.c.device).where(
        override.c.tenant == tenant, override.c.ended_at.is_(None), override.c.expires_at <= now
    )
    return frozenset(connection.execute(query).scalars())


def next_end(connection: Connection, tenant: str) -> int | None:
    """When the next one ends, ms UTC; None when none is there."""
    query = select(func.min(override.c.expires_at)).where(
        override.c.tenant == tenant, override.c.ended_at.is_(None)
    )
    return connection.execute(query).scalar()


def rows(
    connection: Connection, tenant: str, now: int, *, ended: bool = False, device_id: str | None = None
) -> list[OverrideRow]:
    """Those in force by customer, site, device and path; or those that ended, the newest first."""
    query = (
        select(override, device.c.name, device.c.customer, device.c.site)
        .join(device, and_(device.c.tenant == override.c.tenant, device.c.id == override.c.device))
        .where(override.c.tenant == tenant, device.c.revoked_at.is_(None))
    )
    if device_id is not None:
        query = query.where(override.c.device == device_id)
    over = or_(override.c.ended_at.is_not(None), override.c.expires_at <= now)
    query = query.where(over) if ended else query.where(*_now(tenant, now))
    found = [_row(row, now) for row in connection.execute(query).mappings()]
    if ended:
        return sorted(found, key=lambda one: (-(one.ended_at or 0), one.customer, one.site, one.name, one.path))
    return sorted(found, key=lambda one: (one.customer, one.site, one.name, one.path))


def of_device(connection: Connection, tenant: str, device_id: str, now: int) -> list[OverrideRow]:
    """Those in force on one device, by path."""
    return rows(connection, tenant, now, device_id=device_id)


def forget_ended(connection: Connection, before: int) -> None:
    """Delete those that ended before (ms UTC)."""
    old = (override.c.tenant == whose(connection), override.c.ended_at < before)
    connection.execute(delete(override).where(*old))


def condition(found: Sequence[OverrideRow], *, of_fleet: bool) -> Condition | None:
    """Overridden, of one device or of all; None when nothing is."""
    if not found:
        return None
    if of_fleet:
        names = sorted({one.name for one in found})
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        end_of_first = moment(min(one.expires_at for one in found))
        message = f"{len(found)} on {', '.join(names[:NAMED])}{more}; the first ends at {end_of_first}"
    else:
        message = "; ".join(_told(one) for one in found[:NAMED])
    fits = any(not one.unfit for one in found)
    return Condition(
        type="Overridden", status=True, reason="OverridesInForce" if fits else "OverridesUnfit",
        message=message, since=min(one.set_at for one in found),
    )


def _told(one: OverrideRow) -> str:
    without = f" (the device goes without it: {one.unfit})" if one.unfit else ""
    return f"{one.path} by {one.actor} until {moment(one.expires_at)}: {one.reason}{without}"


def _now(tenant: str, now: int) -> tuple[ColumnElement[bool], ...]:
    return (
        override.c.tenant == tenant, override.c.ended_at.is_(None), override.c.expires_at > now,
        override.c.set_at <= now + SLACK,
    )


def _row(row: RowMapping, now: int) -> OverrideRow:
    ended_at, ending = row["ended_at"], row["ending"]
    if ended_at is None and row["expires_at"] <= now:       # over, and the watch has not written it down yet
        ended_at, ending = row["expires_at"], "expired"
    return OverrideRow(
        id=row["id"], device=row["device"], name=row["name"], customer=row["customer"], site=row["site"],
        path=row["path"], value=orjson.loads(row["value"]), actor=row["actor"], reason=row["reason"],
        set_at=row["set_at"], expires_at=row["expires_at"], ended_at=ended_at, ending=ending, unfit=row["unfit"],
    )


def _sliced(devices: Collection[str]) -> list[list[str]]:
    ordered = sorted(devices)
    return [ordered[start : start + _SLICE] for start in range(0, len(ordered), _SLICE)]
