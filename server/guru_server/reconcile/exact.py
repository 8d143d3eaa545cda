"""A plan as a promise: which bundle every device has and gets. Pure; made twice and compared, it shows what moved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import orjson

from guru_policy.compiling import Effective
from guru_policy.errors import Conflict
from guru_policy.inventory import Device
from guru_server.reconcile.deciding import Decision
from guru_server.reconcile.store import InForce
from guru_wire.planning import ExactPlan

Moved = Mapping[str, tuple[str | None, str]]
NAMED = 5                               # devices in one sentence


def moved(decision: Decision, before: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """The old and new bundle of each device that gets another one; `before` is bundle by device."""
    return {
        device: (before.get(device), assignment.bundle)
        for result in decision.compiled.values()
        for device, assignment in result.assigned.items()
        if isinstance(assignment, Effective) and before.get(device) != assignment.bundle
    }


def issued(before: InForce) -> dict[str, str]:
    """The bundle of every device that has one."""
    return {device: one.bundle for device, one in before.issued.items()}


def exact_plan(decision: Decision, before: InForce, devices: Sequence[Device], target: str) -> ExactPlan | None:
    """The promise; None when the commit may not come into force as it is."""
    if decision.outcome == "refused":
        return None
    changes = moved(decision, issued(before))
    after = {**issued(before), **{device: new for device, (_, new) in changes.items()}}
    rows = sorted([one.id, one.place.customer, one.place.site, one.name, after.get(one.id)] for one in devices)
    return ExactPlan(
        base=before.base, target=target, outcome=decision.outcome,
        fleet=hashlib.sha256(orjson.dumps(rows)).hexdigest(), devices=changes,
    )


def require_same(planned: ExactPlan, now: ExactPlan, names: Mapping[str, str]) -> None:
    """Conflict, with what moved, when the plan does not hold any more; `names` is device names by id."""
    if planned.base != now.base:
        raise Conflict(
            f"the plan was made when {_short(planned.base)} was in force, and now {_short(now.base)} is",
            hint="plan again, and look at it again",
        )
    differing = sorted(
        names.get(device, device) for device in {*planned.devices, *now.devices}
        if planned.devices.get(device) != now.devices.get(device)
    )
    if differing:
        more = f" and {len(differing) - NAMED} more" if len(differing) > NAMED else ""
        raise Conflict(
            f"since the plan was made the inventory moved: {', '.join(differing[:NAMED])}{more} would get"
            " something else than planned",
            hint="plan again, and look at it again",
        )
    if planned.fleet != now.fleet or planned.outcome != now.outcome:
        raise Conflict(
            "since the plan was made devices came, went or moved", hint="plan again, and look at it again"
        )


def require_done(planned: ExactPlan, before: InForce) -> None:
    """For a target that is in force already: Conflict when a device has not what was planned for it."""
    have = issued(before)
    other = [device for device, (_, new) in planned.devices.items() if have.get(device) != new]
    if other:
        raise Conflict(
            f"{planned.target[:12]} came into force without this plan, and {len(other)} devices have something"
            " else than planned", hint="look at `guru status`, and plan again",
        )


def _short(revision: str | None) -> str:
    return revision[:12] if revision else "nothing"
