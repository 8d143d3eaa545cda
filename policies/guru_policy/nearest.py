"""Objects of a kind that hide those of their name further away: org < customer < site < group (by priority).

Whether an object is about a device decides its selector, and whoever asks.
"""

from __future__ import annotations

from guru_policy.fleet import Fleet, Sources
from guru_policy.kinds.device_group import DeviceGroup
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import ORG, Scope


class Nearest:
    """The objects of one kind in force for one customer; `exist` says whether there is any."""

    def __init__(self, sources: Sources, customer: str, kind: str) -> None:
        self._sources, self._customer, self._kind = sources, customer, kind
        self._groups = {
            group.name: group.spec.priority
            for group in sources.org.groups() if isinstance(group.spec, DeviceGroup)
        }
        objects = (*sources.org.owned_by(None), *sources.customer.owned_by(customer))
        self.exist = any(item.key.kind == kind for item in objects)
        self._known: dict[tuple[str, frozenset[str]], tuple[tuple[Object, Fleet], ...]] = {}

    def of(self, site: str, groups: frozenset[str]) -> tuple[tuple[Object, Fleet], ...]:
        """Those that devices of the site and these groups see, by name, each with the fleet that it is of."""
        key = site, groups
        if key not in self._known:
            self._known[key] = self._nearest(site, groups)
        return self._known[key]

    def _nearest(self, site: str, groups: frozenset[str]) -> tuple[tuple[Object, Fleet], ...]:
        org, own = self._sources.org, self._sources.customer
        ranked = sorted(groups & self._groups.keys(), key=lambda name: (self._groups[name], name))
        found: dict[str, tuple[Object, Fleet]] = {}
        for fleet, scope in (
            (org, ORG), (own, Scope("customer", self._customer)), (own, Scope("site", self._customer, site)),
            *((org, Scope("group", group=name)) for name in ranked),
        ):
            found |= {item.name: (item, fleet) for item in fleet.in_scope(self._kind, scope)}
        return tuple(found[name] for name in sorted(found))
