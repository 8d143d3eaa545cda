"""`guru plan`: what a tree would change, by the very functions of a sync. It writes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache, reduce

from guru_policy import comparing
from guru_policy.access.comparing import can_apply, rights_changes
from guru_policy.access.rulebook import rulebook_of
from guru_policy.bundle import Bundle
from guru_policy.comparing import device_changes, object_changes
from guru_policy.compiling import Effective
from guru_policy.errors import InputInvalid, NotFound
from guru_policy.inventory import Device
from guru_policy.provenance import Authors
from guru_server.clock import Clock
from guru_server.collecting import uncollected
from guru_server.gateway.plain import plain
from guru_server.overrides import store as overrides
from guru_server.reconcile import masking
from guru_server.reconcile.deciding import Decision, compiled_for, devices_by_customer
from guru_server.reconcile.exact import Moved, exact_plan, issued, moved
from guru_server.reconcile.impact import impacts
from guru_server.reconcile.library import Loaded
from guru_server.reconcile.lines import lines_of
from guru_server.reconcile.narrowing import plan_for
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.status import Stand, states
from guru_server.reconcile.store import InForce, bundle_bytes
from guru_server.reconcile.uploads import UploadedTree, checked_blobs, checked_files
from guru_server.reconcile.written import place_of, places
from guru_server.rights.asking import Sight
from guru_server.rights.store import NOTHING
from guru_server.store.database import Database
from guru_wire.access import RightsDiffer
from guru_wire.operator import (
    CustomerStatus,
    DeviceChange,
    FaultLine,
    FieldChange,
    ObjectChange,
    Plan,
    PlanRequest,
)
from guru_wire.overriding import OverrideRow

ROWS = 1000                             # devices of one plan that are shown


class Planner:
    """Answers plans, one at a time with the syncs of this server."""

    def __init__(self, db: Database, reconciler: Reconciler, now: Clock) -> None:
        self._db, self._reconciler, self._now = db, reconciler, now

    async def plan(self, request: PlanRequest, sights: Sequence[Sight] = ()) -> Plan:
        """The plan, of what all sights see. InputInvalid for a request that makes no sense, NotFound for an
        unknown revision.
        """
        _refuse_senseless(request)
        for revision in filter(None, (request.revision, request.against)):
            await self._find(revision)              # it may ask the remote, and syncs need not wait for that
        with uncollected():
            return await self._plan(request, sights)

    async def _plan(self, request: PlanRequest, sights: Sequence[Sight]) -> Plan:
        async with self._reconciler.lock:
            before, devices = await self._reconciler.look()
            if request.files is not None:
                new = await self._uploaded(checked_files(request.files), checked_blobs(request.blobs), before)
                if not isinstance(new, Loaded):
                    return Plan(base_revision=before.base, target_revision=None, needs_blobs=tuple(new))
            else:
                new = await asyncio.to_thread(self._reconciler.library.get, str(request.revision))
            decision = await self._reconciler.decided(new, before, devices, request.revision)
            other = await self._other(request.against, before)
            sides = await self._sides(devices, before, decision, new, other if request.against else None)
            bundles: dict[str, bytes] = {}
            have = issued(before)
            if request.against and other:
                have = await asyncio.to_thread(_compiled, other, devices, bundles)
        changes = moved(decision, have)
        partly = [sight for sight in sights if not sight.whole]
        if partly:
            seen = {one.id for one in devices if one.id in changes and all(sight.sees(one) for sight in partly)}
            changes = {name: bundle for name, bundle in changes.items() if name in seen}
        stands = await self._bundles(decision, changes, bundles)
        authors = {name: Authors(result.sources) for name, result in decision.compiled.items()}
        fitting = [masking.fitting(device, decision) for device in devices]
        rows = await asyncio.to_thread(_devices, fitting, changes, bundles, stands, authors)
        changed = [device for device in devices if device.id in changes]
        away = {device.id for device in changed if _offline(stands.get(device.id))}
        counted = await asyncio.to_thread(
            impacts, changed, away, lambda one: decision.compiled[one.place.customer].groups[one.id]
        )
        overridden = await self._overridden(
            [one for one in devices if all(sight.sees(one) for sight in partly)] if partly else devices
        )
        exact = exact_plan(decision, before, devices, request.revision) if request.exact and request.revision else None
        whole = Plan(
            base_revision=request.against or before.base,
            target_revision=request.revision,
            objects=await asyncio.to_thread(_objects, other, new),
            devices=rows,
            affected=len(changed),
            offline=len(away),
            by_customer=dict(sorted(Counter(device.place.customer for device in changed).items())),
            impact=counted,
            held=_held(decision),
            guards=decision.guards,
            faults=(*lines_of(decision.faults), *_warnings(other, new)),
            exact=exact,
            rights=_rights(other, new),
            overrides=await asyncio.to_thread(
                masking.planned, overridden, devices, decision, changes.keys(), sides, authors),
            overridden=len(overridden),
        )
        return reduce(plan_for, partly, whole)

    async def _overridden(self, devices: Sequence[Device]) -> list[OverrideRow]:
        """Every override in force on these devices."""
        if not any(device.overrides for device in devices):
            return []
        tenant, now = self._reconciler.tenant, self._now()
        names = {device.id for device in devices}
        rows = await self._db.read(lambda connection: overrides.rows(connection, tenant, now))
        return [row for row in rows if row.device in names]

    async def _sides(
        self, devices: Sequence[Device], before: InForce, decision: Decision, new: Loaded, against: Loaded | None
    ) -> Mapping[str, masking.Side]:
        """What customers with overridden devices have, and would have. Hold the lock."""
        names = {device.place.customer for device in devices if device.overrides}
        if not names:
            return {}
        get = await self._reconciler.available(before, [before.base] if before.base else [])
        return await asyncio.to_thread(masking.sides, names, before, decision, new, against, get)

    async def _bundles(self, decision: Decision, changes: Moved, bundles: dict[str, bytes]) -> Mapping[str, Stand]:
        """Fill in the bundles that the changes name; how the devices stand."""
        digests = {digest for old, fresh in changes.values() for digest in (old, fresh) if digest}
        tenant = self._reconciler.tenant
        stored, stands = await self._db.read(lambda connection: (
            bundle_bytes(connection, tenant, digests - bundles.keys()),
            {one.device: one for one in states(connection, tenant, self._now(), changes)},
        ))
        bundles |= stored
        for result in decision.compiled.values():
            bundles |= {name: data for name, data in result.bundles.items() if name in digests}
        return stands

    async def _find(self, revision: str) -> None:
        if not await self._reconciler.mirror.ensure(revision):
            raise NotFound(f"revision {revision} is not in the fleet repository", hint="push it first")

    async def _uploaded(
        self, files: Mapping[str, str], blobs: Mapping[str, bytes], before: InForce
    ) -> Loaded | Collection[str]:
        mirror = self._reconciler.mirror
        wanted = set(files.values()) - blobs.keys()
        mirrored = await mirror.known_blobs(wanted)
        if missing := sorted(wanted - mirrored.keys()):
            return missing

        def read() -> Loaded:
            with mirror.tree(before.base or "HEAD") as here:
                return self._reconciler.library.read(UploadedTree(files, blobs, mirrored, here))

        return await asyncio.to_thread(read)

    async def _other(self, against: str | None, before: InForce) -> Loaded | None:
        """What the objects are compared with: the commit that was named, or the newest in force."""
        if against:
            return await asyncio.to_thread(self._reconciler.library.get, against)
        if before.base is None or not await self._reconciler.mirror.ensure(before.base):
            return None
        return await asyncio.to_thread(self._reconciler.library.get, before.base)


def _rights(base: Loaded | None, new: Loaded) -> tuple[RightsDiffer, ...]:
    """Who gains and who loses what."""
    before = rulebook_of(base.fleet) if base else NOTHING
    return tuple(RightsDiffer(**one._asdict()) for one in rights_changes(before, rulebook_of(new.fleet)))


def _warnings(base: Loaded | None, new: Loaded) -> tuple[FaultLine, ...]:
    """That nobody could apply policy any more by what the repository says."""
    if base is None or not can_apply(rulebook_of(base.fleet)) or can_apply(rulebook_of(new.fleet)):
        return ()
    return (FaultLine(
        path="org", line=0, column=0, message="after this commit no Binding lets anybody apply policy",
        hint="a token with a fixed role still can: `guru-server token create NAME --role admin`", severity="warning",
    ),)


def _refuse_senseless(request: PlanRequest) -> None:
    if (request.revision is None) == (request.files is None):
        raise InputInvalid("a plan is of a revision or of files, and not of both")
    if request.exact and (request.against or request.revision is None):
        raise InputInvalid("a plan to apply is of a revision, against what is in force")


def _compiled(other: Loaded, devices: Sequence[Device], bundles: dict[str, bytes]) -> dict[str, str]:
    """The bundle that each device would have if all of it were of one revision; `bundles` gets their bytes."""
    found: dict[str, str] = {}
    for customer, theirs in devices_by_customer(devices).items():
        result, _ = compiled_for(customer, other, other, theirs, ())
        bundles |= result.bundles
        found |= {
            device: one.bundle for device, one in result.assigned.items() if isinstance(one, Effective)
        }
    return found


def _devices(
    devices: Sequence[Device],
    changes: Moved,
    bundles: Mapping[str, bytes],
    stands: Mapping[str, Stand],
    authors: Mapping[str, Authors],
) -> tuple[DeviceChange, ...]:
    @cache
    def differing(old: str | None, new: str) -> tuple[comparing.FieldChange, ...]:
        before = Bundle.model_validate_json(bundles[old]) if old and old in bundles else None
        return device_changes(before, Bundle.model_validate_json(bundles[new]))

    known: dict[tuple[str, str | None, str], tuple[FieldChange, ...]] = {}

    def fields(device: Device) -> tuple[FieldChange, ...]:
        customer, (old, new) = device.place.customer, changes[device.id]
        if (customer, old, new) not in known:
            known[customer, old, new] = _fields(authors[customer].attributed(device, differing(old, new)))
        return known[customer, old, new]

    shown = [device for device in devices if device.id in changes][:ROWS]
    return tuple(
        DeviceChange(
            device=device.id,
            name=device.name,
            customer=device.place.customer,
            site=device.place.site,
            online=not _offline(stands.get(device.id)),
            fields=fields(device),
        )
        for device in shown
    )


def _objects(base: Loaded | None, new: Loaded) -> tuple[ObjectChange, ...]:
    now, was = places(new.fleet), places(base.fleet if base else None)
    found = []
    for one in object_changes(base.fleet if base else None, new.fleet):
        name = (one.kind, one.scope, one.name)
        fields = [
            field._replace(why=place_of((was if field.to_absent and name in was else now).get(name), field.path))
            for field in one.fields
        ]
        found.append(ObjectChange(
            action=one.action, kind=one.kind, scope=one.scope, name=one.name, path=plain(one.path, 500),
            fields=_fields(fields),
        ))
    return tuple(found)


def _fields(changes: Sequence[comparing.FieldChange]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(**one._replace(why=plain(one.why, 500))._asdict()) for one in changes)


def _held(decision: Decision) -> tuple[CustomerStatus, ...]:
    return tuple(
        CustomerStatus(
            customer=name,
            org_revision=one.pair.org if one.pair else None,
            revision=one.pair.customer if one.pair else None,
            state="Held",
            reason=one.reason,
            faults=lines_of(one.faults),
        )
        for name, one in sorted(decision.standings.items())
        if one.held
    )


def _offline(stand: Stand | None) -> bool:
    return stand is None or stand.state == "Unknown"
