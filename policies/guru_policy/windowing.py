"""Which maintenance windows are about a device, and in whose time zone. It knows no clock.

Org < customer < site < group (by priority): a window hides those of its name that stand further away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from guru_policy.bundle import PlacedWindow
from guru_policy.conditions import Subject
from guru_policy.fleet import Sources
from guru_policy.inventory import Place
from guru_policy.kinds.customer import Customer
from guru_policy.kinds.device_group import DeviceGroup
from guru_policy.kinds.maintenance_window import MaintenanceWindow
from guru_policy.kinds.site import Site
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.opening import Times
from guru_policy.when import DEVICE_ZONE

KIND = "MaintenanceWindow"
UTC = "UTC"


class Window(NamedTuple):
    """A window that is about a device."""

    item: Object
    spec: MaintenanceWindow
    times: Times
    revision: str

    @property
    def name(self) -> str:
        """Its name, which no other window of the device shares."""
        return self.item.name

    @property
    def quiet(self) -> bool:
        """Whether nobody is told of alerts while it is open."""
        return "suppress-alerts" in self.spec.effects

    @property
    def blocks(self) -> bool:
        """Whether nothing is changed while it is open."""
        return "block-changes" in self.spec.effects

    @property
    def placed(self) -> PlacedWindow:
        """As a bundle carries it."""
        cron, start, duration, zone = self.times
        return PlacedWindow(id=self.name, cron=cron, start=start, duration=duration, zone=zone)


class Windows:
    """The windows in force for one customer, ready to be asked for any of its devices."""

    def __init__(self, sources: Sources, customer: str) -> None:
        self._sources, self._customer = sources, customer
        self._near: dict[tuple[str, frozenset[str]], tuple[Window, ...]] = {}
        self._groups = {
            group.name: group.spec.priority
            for group in sources.org.groups() if isinstance(group.spec, DeviceGroup)
        }
        objects = (*sources.org.owned_by(None), *sources.customer.owned_by(customer))
        self._all = tuple(item for item in objects if item.key.kind == KIND)
        self._times: dict[str, frozenset[Times]] = {}
        self.exist = bool(self._all)
        self.block = any("block-changes" in cast(MaintenanceWindow, item.spec).effects for item in self._all)

    def of(self, subject: Subject) -> tuple[Window, ...]:
        """Those that are about the device, by name. `subject` has its groups."""
        if not self.exist:
            return ()
        key = subject.place.site, subject.groups
        known = self._near.get(key)
        if known is None:
            known = self._near[key] = tuple(self._nearest(*key))
        return tuple(window for window in known if window.item.selector.accepts(subject))

    def placed(self, subject: Subject) -> tuple[PlacedWindow, ...]:
        """What the device itself has to heed, as its bundle carries it."""
        return tuple(window.placed for window in self.of(subject) if window.blocks)

    def quiet_times(self, site: str) -> frozenset[Times]:
        """When any window may mute alerts of a device at this site, whatever the device is."""
        if not self.exist:
            return frozenset()
        known = self._times.get(site)
        if known is None:
            every = [self._window(item, site, "") for item in self._all if item.key.scope.site in ("", site)]
            known = self._times[site] = frozenset(window.times for window in every if window.quiet)
        return known

    def _nearest(self, site: str, groups: frozenset[str]) -> Sequence[Window]:
        org, own = self._sources.org, self._sources.customer
        ranked = sorted(groups & self._groups.keys(), key=lambda name: (self._groups[name], name))
        found: dict[str, tuple[Object, str]] = {}
        for fleet, scope in (
            (org, ORG), (own, Scope("customer", self._customer)), (own, Scope("site", self._customer, site)),
            *((org, Scope("group", group=name)) for name in ranked),
        ):
            found |= {item.name: (item, fleet.revision) for item in fleet.in_scope(KIND, scope)}
        return [self._window(item, site, revision) for _, (item, revision) in sorted(found.items())]

    def _window(self, item: Object, site: str, revision: str) -> Window:
        spec = cast(MaintenanceWindow, item.spec)
        own = spec.timezone != DEVICE_ZONE
        zone = spec.timezone if own else zone_of(self._sources, Place(self._customer, site))
        return Window(item, spec, Times(spec.cron, spec.start, spec.duration, zone), revision)


def zone_of(sources: Sources, place: Place) -> str:
    """The time zone of the site, else of the customer."""
    site = sources.customer.site(*place)
    if site is not None and isinstance(site.spec, Site) and site.spec.timezone is not None:
        return site.spec.timezone
    customer = sources.customer.customer(place.customer)
    return customer.spec.timezone if customer is not None and isinstance(customer.spec, Customer) else UTC
