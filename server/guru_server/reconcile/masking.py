"""Overrides in a plan: those in force, what they hide of the change, and which would not fit any more. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from guru_policy.comparing import FieldChange, device_changes
from guru_policy.compiling import Compiler
from guru_policy.inventory import Device
from guru_policy.overriding import concerns
from guru_policy.provenance import Authors
from guru_server.gateway.plain import plain
from guru_server.reconcile.deciding import Decision, Get, compiler_for
from guru_server.reconcile.library import Loaded
from guru_server.reconcile.refreshing import pair_of
from guru_server.reconcile.store import InForce
from guru_wire import operator
from guru_wire.overriding import OverrideRow

ROWS = 200                              # overrides of one plan that are shown
FIELDS = 50                             # changes that one override is said to hide


class Side(NamedTuple):
    """A customer's compilers: of what is in force, and of what the plan would bring."""

    before: Compiler
    after: Compiler


def sides(
    customers: Collection[str], before: InForce, decision: Decision, new: Loaded, against: Loaded | None, get: Get
) -> dict[str, Side]:
    """Those of these customers for whom the plan would bring something. It loads fleets: hold the lock."""
    found = {}
    for name in customers:
        result = decision.compiled.get(name)
        if result is None:
            continue
        then = [new if one.revision == new.fleet.revision else get(one.revision)
                for one in (result.sources.org, result.sources.customer)]
        pair = pair_of(name, before)
        now = [against, against] if against else [get(one) for one in pair] if pair else []
        loaded = [one for one in (*now, *then) if one is not None]
        if len(loaded) == 4:
            found[name] = Side(compiler_for(name, *loaded[:2]), compiler_for(name, *loaded[2:]))
    return found


def fitting(device: Device, decision: Decision) -> Device:
    """The device with those overrides only that fit once the commit is in force."""
    result = decision.compiled.get(device.place.customer) if device.overrides else None
    if result is None:
        return device
    unfit = {one.path for one in result.unfit.get(device.id, ())}
    return replace(device, overrides=tuple(one for one in device.overrides if one.path not in unfit))


def planned(
    rows: Sequence[OverrideRow], devices: Sequence[Device], decision: Decision, changed: Collection[str],
    sides: Mapping[str, Side], authors: Mapping[str, Authors],
) -> tuple[operator.PlannedOverride, ...]:
    """The overrides in force, those first that hide something or end, then those of devices that change."""
    hidden: dict[str, tuple[FieldChange, ...]] = {}
    for device in devices:
        side = sides.get(device.place.customer) if device.overrides else None
        if side is not None:
            hidden[device.id] = _hidden(device, side, authors[device.place.customer])
    found = [_planned(row, decision, changed, hidden.get(row.device, ())) for row in rows]
    found.sort(key=lambda one: (not one.masks and not one.unfit, not one.affected))
    return tuple(found[:ROWS])


def _hidden(device: Device, side: Side, authors: Authors) -> tuple[FieldChange, ...]:
    """What the device would get anew if it had no overrides."""
    bare = replace(device, overrides=())
    was, now = side.before.bundle(bare), side.after.bundle(bare)
    return authors.attributed(bare, device_changes(was, now)) if was and now else ()


def _planned(
    row: OverrideRow, decision: Decision, changed: Collection[str], hidden: Sequence[FieldChange]
) -> operator.PlannedOverride:
    result = decision.compiled.get(row.customer)
    ended = {one.path: one.why for one in result.unfit.get(row.device, ())} if result else {}
    unfit = plain(ended.get(row.path, ""), 500) if result else row.unfit
    masks = () if unfit else [one for one in hidden if concerns(row.path, one.path)][:FIELDS]
    return operator.PlannedOverride(
        **row.model_dump(exclude={"unfit"}), unfit=unfit, affected=row.device in changed,
        masks=tuple(operator.FieldChange(**one._replace(why=plain(one.why, 500))._asdict()) for one in masks),
    )
