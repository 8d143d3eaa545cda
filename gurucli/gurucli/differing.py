"""Two versions of a fleet repository side by side: objects, and what devices get. Pure; it prints nothing."""

from __future__ import annotations

from collections.abc import Sequence

from guru_policy import comparing
from guru_policy.comparing import field_changes, object_changes
from guru_policy.faults import Fault
from guru_policy.inventory import Device
from gurucli.answers import DeviceChange, FieldChange, Json, ObjectChange
from gurucli.offline import Offline, document_of
from gurucli.sheet import as_json


def objects(old: Offline, new: Offline) -> list[ObjectChange]:
    """Every object that is made, changed, deleted or renamed; `why` is the place in the newer version."""
    return [
        {"action": one.action, "kind": one.kind, "scope": one.scope, "name": one.name, "path": one.path,
         "fields": [_field(field, one.path) for field in one.fields]}
        for one in object_changes(old.fleet, new.fleet)
    ]


def devices(old: Offline, new: Offline, inventory: Sequence[Device]) -> tuple[list[DeviceChange], list[Fault]]:
    """The devices that get something else, by place and name, and the faults of those that would get nothing.

    Nobody knows here whether a device is online; it is told as if it were.
    """
    found: list[DeviceChange] = []
    faults: dict[Fault, None] = {}
    for device in sorted(inventory, key=lambda one: (one.place, one.name, one.id)):
        before, after = old.look(device), new.look(device)
        faults.update(dict.fromkeys(after.faults))
        if before.digest == after.digest or after.faults:
            continue
        changes = field_changes(document_of(before.bundle), document_of(after.bundle))
        fields = [_field(one, one.why) for one in new.attributed(device, changes)]
        found.append({"device": device.id, "name": device.name, "customer": device.place.customer,
                      "site": device.place.site, "online": True, "fields": fields})
    return found, list(faults)


def _field(change: comparing.FieldChange, why: str) -> FieldChange:
    before: Json = as_json(change.before)
    after: Json = as_json(change.after)
    return {"path": change.path, "before": before, "after": after, "from_absent": change.from_absent,
            "to_absent": change.to_absent, "why": why, "default": change.default}
