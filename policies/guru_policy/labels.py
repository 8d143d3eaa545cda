"""The labels of a device, each in its namespace. It decides nothing by them."""

from __future__ import annotations

from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Scalar
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import Scope


def labels_of(fleet: Fleet, device: Device) -> dict[str, Scalar]:
    """`git/` from Customer, Site and the device's own Policy (the nearest wins), `op/` and `fact/`."""
    labels = dict(fleet.git_labels(device.place.customer, device.place.site))
    if own := own_policy(fleet, device):
        labels.update({f"git/{key}": value for key, value in own.labels.items()})
    labels.update({f"op/{key}": value for key, value in device.op_labels.items()})
    labels.update({f"fact/{key}": value for key, value in device.facts.items()})
    return labels


def own_policy(fleet: Fleet, device: Device) -> Object | None:
    """The Policy of the device's name, in its site's folder below devices/; names compare in lower case."""
    customer, site = device.place
    return fleet.get("Policy", Scope("device", customer, site), device.name.lower())
