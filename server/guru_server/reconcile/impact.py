"""Whom a plan concerns: devices by customer, site and group, and how many of them are offline. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Literal

from guru_policy.inventory import Device
from guru_wire.planning import Impact

By = Literal["customer", "site", "group"]


def impacts(
    changed: Iterable[Device], offline: Collection[str], groups_of: Callable[[Device], frozenset[str]]
) -> tuple[Impact, ...]:
    """Customers first, then sites, then groups, each by name. A device in two groups counts in both."""
    alike = Counter((device.place, groups_of(device), device.id in offline) for device in changed)
    devices: Counter[tuple[By, str]] = Counter()
    away: Counter[tuple[By, str]] = Counter()
    for (place, groups, off), count in alike.items():
        named: list[tuple[By, str]] = [("customer", place.customer), ("site", "/".join(place))]
        for one in (*named, *(("group", name) for name in groups)):
            devices[one] += count
            if off:
                away[one] += count
    order: tuple[By, ...] = ("customer", "site", "group")
    return tuple(
        Impact(by=by, name=name, devices=devices[by, name], offline=away[by, name])
        for by, name in sorted(devices, key=lambda place: (order.index(place[0]), place[1]))
    )
