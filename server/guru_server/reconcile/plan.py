"""`guru plan`: what a tree would change, by the very functions of a sync. It writes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from guru_policy import comparing
from guru_policy.bundle import Bundle
from guru_policy.comparing import device_changes, object_changes
from guru_policy.compiling import Effective
from guru_policy.errors import InputInvalid, NotFound
from guru_policy.inventory import Device
from guru_policy.provenance import Authors
from guru_server.clock import Clock
from guru_server.gateway.plain import plain
from guru_server.reconcile.deciding import Decision
from guru_server.reconcile.library import Loaded
from guru_server.reconcile.lines import lines_of
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.status import Stand, states
from guru_server.reconcile.store import InForce, bundle_bytes
from guru_server.reconcile.uploads import UploadedTree, checked_blobs, checked_files
from guru_server.store.database import Database
from guru_wire.operator import CustomerStatus, DeviceChange, FieldChange, ObjectChange, Plan, PlanRequest

ROWS = 1000                             # devices of one plan that are shown


class Planner:
    """Answers plans, one at a time with the syncs of this server."""

    def __init__(self, db: Database, reconciler: Reconciler, now: Clock) -> None:
        self._db, self._reconciler, self._now = db, reconciler, now

    async def plan(self, request: PlanRequest) -> Plan:
        """The plan. InputInvalid for a request that makes no sense, NotFound for an unknown revision."""
        if (request.revision is None) == (request.files is None):
            raise InputInvalid("a plan is of a revision or of files, and not of both")
        if request.revision is not None:
            await self._find(request.revision)      # it may ask the remote, and syncs need not wait for that
        async with self._reconciler.lock:
            before, devices = await self._reconciler.look()
            if request.files is not None:
                new = await self._uploaded(checked_files(request.files), checked_blobs(request.blobs), before)
                if not isinstance(new, Loaded):
                    return Plan(base_revision=before.base, target_revision=None, needs_blobs=tuple(new))
            else:
                new = await asyncio.to_thread(self._reconciler.library.get, str(request.revision))
            decision = await self._reconciler.decided(new, before, devices, request.revision)
            base = await self._base(before)
        moved = _moved(decision, before)
        digests = {digest for old, fresh in moved.values() for digest in (old, fresh) if digest}
        bundles, stands = await self._db.read(
            lambda connection: (
                bundle_bytes(connection, self._reconciler.tenant, digests),
                {one.device: one for one in states(connection, self._reconciler.tenant, self._now())},
            )
        )
        for result in decision.compiled.values():
            bundles |= {name: data for name, data in result.bundles.items() if name in digests}
        changes = await asyncio.to_thread(_devices, devices, moved, bundles, stands, decision)
        changed = [device for device in devices if device.id in moved]
        return Plan(
            base_revision=before.base,
            target_revision=request.revision,
            objects=await asyncio.to_thread(_objects, base, new),
            devices=changes,
            affected=len(changed),
            offline=sum(1 for device in changed if _offline(stands.get(device.id))),
            by_customer=dict(sorted(Counter(device.place.customer for device in changed).items())),
            held=_held(decision),
            guards=decision.guards,
            faults=lines_of(decision.faults),
        )

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

    async def _base(self, before: InForce) -> Loaded | None:
        if before.base is None or not await self._reconciler.mirror.ensure(before.base):
            return None
        return await asyncio.to_thread(self._reconciler.library.get, before.base)


def _moved(decision: Decision, before: InForce) -> dict[str, tuple[str | None, str]]:
    """The old and new bundle of each device that gets another one."""
    found: dict[str, tuple[str | None, str]] = {}
    for result in decision.compiled.values():
        for device, assignment in result.assigned.items():
            issued = before.issued.get(device)
            if isinstance(assignment, Effective) and (issued is None or issued.bundle != assignment.bundle):
                found[device] = (issued.bundle if issued else None, assignment.bundle)
    return found


def _devices(
    devices: Sequence[Device],
    moved: Mapping[str, tuple[str | None, str]],
    bundles: Mapping[str, bytes],
    stands: Mapping[str, Stand],
    decision: Decision,
) -> tuple[DeviceChange, ...]:
    authors = {name: Authors(result.sources) for name, result in decision.compiled.items()}
    known: dict[tuple[str, str | None, str], tuple[FieldChange, ...]] = {}

    def fields(device: Device) -> tuple[FieldChange, ...]:
        old, new = moved[device.id]
        key = device.place.customer, old, new
        if key not in known:
            before = Bundle.model_validate_json(bundles[old]) if old and old in bundles else None
            changes = device_changes(before, Bundle.model_validate_json(bundles[new]))
            known[key] = _fields(authors[device.place.customer].attributed(device, changes))
        return known[key]

    shown = [device for device in devices if device.id in moved][:ROWS]
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
    return tuple(
        ObjectChange(
            action=one.action,
            kind=one.kind,
            scope=one.scope,
            name=one.name,
            path=plain(one.path, 500),
            fields=_fields(one.fields),
        )
        for one in object_changes(base.fleet if base else None, new.fleet)
    )


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
