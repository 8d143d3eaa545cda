"""What reconcile tells to whoever may see only a part: never another customer's names, counts, words or faults. Pure.

What people wrote for the whole organisation (a commit's subject, a reason, an org file's fault) may name anybody, so it
is told only to those who see all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guru_policy.objects.scopes import owner_of, scope_of
from guru_server.rights.asking import Sight
from guru_wire.operator import CustomerStatus, FaultLine, ObjectChange, Plan, RevisionRow

KEPT_BACK = "the reason concerns more than you may see"


def faults_for(sight: Sight, faults: Sequence[FaultLine]) -> tuple[FaultLine, ...]:
    """The faults of customers that are in sight as a whole."""
    if sight.whole:
        return tuple(faults)
    return tuple(one for one in faults if (owner := owner_of(one.path)) and sight.place(owner))


def revision_for(sight: Sight, row: RevisionRow) -> RevisionRow:
    """A commit, without its words and its count of devices."""
    if sight.whole:
        return row
    return row.model_copy(update={
        "subject": "", "author": "", "reason": KEPT_BACK if row.reason else "", "devices_changed": None,
        "faults": faults_for(sight, row.faults),
    })


def customers_for(sight: Sight, customers: Iterable[CustomerStatus]) -> tuple[CustomerStatus, ...]:
    """The customers that are known to the asker; why one is held only to those who see all of it."""
    return tuple(
        one if sight.place(one.customer) else one.model_copy(update={
            "reason": KEPT_BACK if one.reason else "", "faults": (),
        })
        for one in customers if sight.touches(one.customer)
    )


def objects_for(sight: Sight, objects: Sequence[ObjectChange]) -> tuple[ObjectChange, ...]:
    """The objects of customers and sites that are in sight as a whole; none of the organisation's."""
    if sight.whole:
        return tuple(objects)
    found = []
    for one in objects:
        scope = scope_of(f"{one.scope}/x")
        if scope is not None and scope.customer and sight.place(scope.customer, scope.site):
            found.append(one)
    return tuple(found)


def guards_for(sight: Sight, guards: Sequence[str]) -> tuple[str, ...]:
    """That a guard refuses, and why only to those who see all of it."""
    if sight.whole or not guards:
        return tuple(guards)
    return ("a guard refuses this commit, for a reason that concerns more than you may see",)


def plan_for(plan: Plan, sight: Sight) -> Plan:
    """A plan whose devices are in sight already, without what else concerns others."""
    return plan.model_copy(update={
        "objects": objects_for(sight, plan.objects), "held": customers_for(sight, plan.held),
        "guards": guards_for(sight, plan.guards), "faults": faults_for(sight, plan.faults),
        "rights": (), "exact": None, "partial": True,
    })
