"""Whom a plan concerns: devices by customer, site and group, and how many of them are offline. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Literal

from guru_policy.inventory import Device
from guru_wire.planning import Impact

By = Literal["customer", "site", "group"]


def impacts(
    changed: Iterable[Device], offline: Collection[str], groups_of: Callable[[Device], Iterable[str]]
) -> tuple[Impact, ...]:
    """Customers first, then sites, then groups, each by name. A device in two groups counts in both."""
    devices: Counter[tuple[By, str]] = Counter()
    away: Counter[tuple[By, str]] = Counter()
    for device in changed:
        places: list[tuple[By, str]] = [("customer", device.place.customer), ("site", "/".join(device.place))]
        places += [("group", name) for name in sorted(groups_of(device))]
        devices.update(places)
        if device.id in offline:
            away.update(places)
    order: tuple[By, ...] = ("customer", "site", "group")
    return tuple(
        Impact(by=by, name=name, devices=devices[by, name], offline=away[by, name])
        for by, name in sorted(devices, key=lambda place: (order.index(place[0]), place[1]))
    )
