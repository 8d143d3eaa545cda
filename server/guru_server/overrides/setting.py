"""`guru override set` and `rm`: judged by what is in force, kept, and brought to the devices. Git is not asked."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection

from guru_policy.errors import InputInvalid, NotFound, Refused
from guru_policy.inventory import Device, Override
from guru_policy.kinds.fleet import FleetSpec
from guru_policy.override_judging import require_fit, require_sensible
from guru_policy.overriding import overlap
from guru_policy.selector import parse
from guru_server.clock import Clock
from guru_server.fleet.finding import GitLabels
from guru_server.fleet.inventory import Inventory
from guru_server.fleet.reading import resolve
from guru_server.gateway.plain import plain
from guru_server.gitops.watch import Watch
from guru_server.identity.people import actor_named
from guru_server.overrides import store
from guru_server.overrides.tables import override
from guru_server.reconcile.deciding import Get, compiler_for, devices_by_customer
from guru_server.reconcile.refreshing import pair_of
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.store import InForce
from guru_server.rights.asking import Sight, ruled
from guru_server.store.database import Database
from guru_wire.overriding import OverrideRequest, OverrideRow

log = logging.getLogger("guru.overrides")


class Eyes(NamedTuple):
    """Through whose eyes devices are looked for, and who would override them."""

    reading: Sight
    setting: Sight


class Overrider:
    """Sets and removes overrides, one at a time with the syncs of this server."""

    def __init__(
        self, db: Database, reconciler: Reconciler, watch: Watch, labels: GitLabels, *, now: Clock
    ) -> None:
        self._db, self._reconciler, self._watch, self._labels, self._now = db, reconciler, watch, labels, now
        self._tenant = reconciler.tenant

    async def set(self, request: OverrideRequest, actor: str, eyes: Eyes) -> list[OverrideRow]:
        """Put the values into force on every device that the selector matches, or on none; their rows.

        Raises NotFound when no device matches or nothing is in force for one; Refused when more match than are
        allowed, for a time that the repository does not allow, or when a policy enforces what would change;
        InputInvalid for a path or value that a device does not take; Conflict when two overrides overlap.
        """
        values = _sensible(request)
        labels = await self._labels()
        wanted = parse(request.selector)
        async with self._reconciler.lock:
            before, devices = await self._reconciler.look()
            chosen = [
                one for one in devices
                if eyes.reading.sees(one) and wanted.matches(labels(one), one.place, one.name, id=one.id)
            ]
            _refuse_count(request, len(chosen))
            about = f"{', '.join(sorted(values))} on {request.selector}"
            decision = eyes.setting.require(None, chosen, about)
            get = await self._reconciler.available(before, [before.base] if before.base else [])
            now, ident = self._now(), secrets.token_hex(8)
            until = now + request.ttl * 1000
            reason = plain(request.reason.strip(), 200)
            if not reason:
                raise InputInvalid("an override needs a reason", hint="say in a few words what it is for")
            overrides = [
                Override(ident, path, values[path], actor, reason, until) for path in sorted(values)
            ]
            await asyncio.to_thread(_require_all, chosen, overrides, before, get, request.ttl)

            def write(connection: Connection) -> list[OverrideRow]:
                store.put(connection, self._tenant, overrides, chosen, now, **ruled(decision))
                eyes.setting.require(connection, chosen, about)     # it appends to the audit log, so it comes last
                found = store.rows(connection, self._tenant, now)
                return [one for one in found if one.id == ident]

            rows = await self._db.write(write)
        log.warning("%s overrides %s on %d devices: %s", plain(actor), ", ".join(sorted(values)), len(chosen), reason)
        await self._watch.refresh({one.id for one in chosen})
        return rows

    async def remove(
        self, ident: str, ref: str | None, path: str | None, actor: str, eyes: Eyes
    ) -> list[OverrideRow]:
        """End a deed's overrides in sight, all of them or those of one device and one path; the rows as they were.

        NotFound when none of that id is in force.
        """
        now, tenant = self._now(), self._tenant

        def write(connection: Connection) -> list[OverrideRow]:
            device = resolve(connection, tenant, ref, eyes.reading) if ref else None
            here = {one.id: one for one in Inventory(tenant).read(connection) if eyes.reading.sees(one)}
            found = [
                one for one in store.rows(connection, tenant, now, device_id=device)
                if one.id == ident and path in (None, one.path) and one.device in here
            ]
            if not found:
                raise NotFound(f"no override in force has the id {plain(ident, 32)}",
                               hint="`guru override list` shows them")
            which = override.c.id == ident
            if path is not None:
                which &= override.c.path == path
            ids = {one.device for one in found}
            allow = partial(eyes.setting.require, devices=[here[one] for one in sorted(ids)], about=f"override:{ident}")
            by = ruled(allow(None))
            store.end(connection, tenant, ids, which, now, ending="removed", actor=actor_named(actor), **by)
            allow(connection)
            return [one.model_copy(update={"ended_at": now, "ending": "removed"}) for one in found]

        rows = await self._db.write(write)
        await self._watch.refresh({one.device for one in rows})
        return rows


def _sensible(request: OverrideRequest) -> Mapping[str, JsonValue]:
    if not request.selector.strip():
        raise InputInvalid("an override needs a selector", hint="name the devices, as in name=web1")
    paths = sorted(request.values)
    for path in paths:
        require_sensible(path, request.values[path])
    for outer, inner in combinations(paths, 2):
        if overlap(outer, inner):
            raise InputInvalid(f"{inner} is part of {outer}", hint="set one of the two")
    return request.values


def _refuse_count(request: OverrideRequest, count: int) -> None:
    if not count:
        raise NotFound(f"no device matches {plain(request.selector)}",
                       hint="`guru device list -l ...` tries a selector out")
    if count > request.max_devices:
        raise Refused(
            f"the selector matches {count} devices and {request.max_devices} are allowed",
            hint=f"look at them first, then allow them: --max-devices {count}",
        )


def _require_all(
    devices: Sequence[Device], overrides: Sequence[Override], before: InForce, get: Get, ttl: int
) -> None:
    """Every override fits every device, by what is in force for its customer."""
    for customer, theirs in devices_by_customer(devices).items():
        pair = pair_of(customer, before)
        org, own = (get(pair.org), get(pair.customer)) if pair else (None, None)
        if org is None or own is None:
            raise NotFound(f"nothing is in force for customer {customer}", hint="look at `guru status`")
        fleet = org.fleet.fleet_object()
        most = fleet.spec.limits.max_override if fleet and isinstance(fleet.spec, FleetSpec) else None
        if most == 0:
            raise Refused("overrides are not allowed here", hint="limits.maxOverride of the Fleet object says so")
        if most is not None and ttl > most:
            raise Refused(
                f"an override may be in force for {most} s here, and this one asks for {ttl} s",
                hint="limits.maxOverride of the Fleet object says so",
            )
        compiler = compiler_for(customer, org, own)
        for device in theirs:
            for one in overrides:
                require_fit(compiler, device, one)
                device = _with(device, one)


def _with(device: Device, override: Override) -> Device:
    """The device with one override more, or with another one for its path."""
    others = tuple(one for one in device.overrides if one.path != override.path)
    (found,) = store.overridden([device], {device.id: (*others, override)})
    return found


