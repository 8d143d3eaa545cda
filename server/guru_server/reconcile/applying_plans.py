"""`guru apply`: a saved plan into force, exactly as it was shown, or not at all. It decides by what plan decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from guru_policy.errors import Conflict, NotFound, Refused
from guru_policy.inventory import Device
from guru_server.gitops.mirror import TIP
from guru_server.identity.people import actor_named
from guru_server.leases import Fence
from guru_server.reconcile.exact import exact_plan, require_done, require_same
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.store import InForce, Note
from guru_wire.operator import SyncRequested
from guru_wire.planning import ExactPlan

log = logging.getLogger("guru.reconcile")


async def apply_plan(
    reconciler: Reconciler, planned: ExactPlan, actor: str, fence: Fence | None,
    whence: Mapping[str, str] | None = None,
) -> SyncRequested:
    """Bring the plan's target into force when everything is as the plan says.

    A target that is in force already is done when every device has what was planned for it. Raises Conflict
    when base or inventory moved, NotFound for a target that the repository has not, and Refused for one that is
    not on the watched branch, is older than what is in force, was rolled back, or that a guard refuses.
    """
    async with reconciler.lock:
        before, devices = await reconciler.look()
        newest = before.newest
        if newest is not None and newest.revision == planned.target == before.base:
            require_done(planned, before)
            return SyncRequested(
                revision=planned.target, outcome=newest.outcome, reason="in force already, exactly as planned"
            )
        await _refuse_elsewhere(reconciler, planned, before)
        new = await asyncio.to_thread(reconciler.library.get, planned.target)
        decision = await reconciler.decided(new, before, devices, planned.target)
        now = exact_plan(decision, before, devices, planned.target)
        if now is None:
            raise Refused(f"the commit may not come into force: {decision.reason}", hint="`guru plan` says more")
        require_same(planned, now, _names(devices))
        log.info("%s applies a plan of %s", actor, planned.target[:12])
        note = Note(actor_named(actor), "PlanApplied", f"revision:{planned.target}", f"{len(planned.devices)} devices",
                    revision=planned.target, **(whence or {}))
        return await reconciler.bring(planned.target, before, devices, fence, decision=decision, note=note)


async def _refuse_elsewhere(reconciler: Reconciler, planned: ExactPlan, before: InForce) -> None:
    mirror, target = reconciler.mirror, planned.target
    if planned.base != before.base:     # before anything is asked of Git, which may be away
        raise Conflict(
            f"the plan was made when {(planned.base or 'nothing')[:12]} was in force, and now"
            f" {(before.base or 'nothing')[:12]} is", hint="plan again, and look at it again",
        )
    if not await mirror.ensure(target):
        raise NotFound(f"revision {target} is not in the fleet repository", hint="push it first")
    if not await mirror.contains(target, TIP):
        raise Refused(
            f"{target[:12]} is not on branch {mirror.source.branch}, which the server watches",
            hint="merge it, then plan and apply the merged commit",
        )
    if before.base and before.base != target and await mirror.contains(target, before.base):
        raise Refused(f"{target[:12]} is older than what is in force", hint="`guru rollback` goes back")
    if before.pin is not None and before.pin.holds(await mirror.tree_of(target)):
        raise Refused(before.pin.told(), hint="push a commit that differs")


def _names(devices: Sequence[Device]) -> dict[str, str]:
    return {one.id: one.name for one in devices}
