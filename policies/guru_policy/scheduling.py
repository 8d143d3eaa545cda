"""Which schedules are about a device, with the command that each one is. It knows no clock and runs nothing.

Org < customer < site < group (by priority): a schedule hides those of its name that stand further away. The template
is looked up from where the schedule stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from guru_policy.bundle import PlacedInside, PlacedSchedule
from guru_policy.conditions import Subject
from guru_policy.faults import Fault
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Place, Scalar
from guru_policy.kinds.command_template import CommandTemplate
from guru_policy.kinds.schedule import Schedule
from guru_policy.nearest import Nearest
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import Scope
from guru_policy.when import DEVICE_ZONE
from guru_policy.windowing import zone_of

KIND, TEMPLATE = "Schedule", "CommandTemplate"
MOST = 100                              # schedules of one device


class Scheduled(NamedTuple):
    """The schedules of a device, by name, the objects that say so, and what is wrong with them."""

    placed: tuple[PlacedSchedule, ...] = ()
    items: tuple[Object, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the secrets that they take."""
        return frozenset(name for one in self.placed for name in one.secrets.values())

    @property
    def blobs(self) -> frozenset[str]:
        """Digests of the files that they run."""
        found = {one.digest for one in self.placed} | {one.inside.digest for one in self.placed if one.inside}
        return frozenset(digest for digest in found if digest is not None)


class Schedules:
    """The schedules in force for one customer, ready to be asked for any of its devices."""

    def __init__(self, sources: Sources, customer: str, digests: Mapping[str, str] | None) -> None:
        """`digests` None: only which objects are about a device is of interest."""
        self._sources, self._customer, self._digests = sources, customer, digests
        self._nearest = Nearest(sources, customer, KIND)
        self.exist = self._nearest.exist

    def of(self, subject: Subject, platform: Scalar | None) -> Scheduled:
        """Those that are about the device. `subject` has its groups."""
        if not self.exist:
            return Scheduled()
        site = subject.place.site
        placed: list[PlacedSchedule] = []
        items: list[Object] = []
        faults: list[Fault] = []
        for item, fleet in self._nearest.of(site, subject.groups):
            template = _template(item, fleet)
            if template is None or not item.selector.accepts(subject):
                continue
            if template.os and platform not in template.os:
                continue
            found = self._placed(item, template, site)
            if isinstance(found, Fault):
                faults.append(found)
            elif len(placed) == MOST:
                faults.append(Fault(item.origin, f"Schedule {item.name}: a device has {MOST} schedules at most"))
                break
            else:
                placed.append(found)
                items.append(item)
        return Scheduled(tuple(placed), tuple(items), tuple(faults))

    def _placed(self, item: Object, template: CommandTemplate, site: str) -> PlacedSchedule | Fault:
        spec = item.spec
        assert isinstance(spec, Schedule)                       # noqa: S101 - objects of a kind have its model
        zone = spec.timezone if spec.timezone != DEVICE_ZONE else zone_of(
            self._sources, Place(self._customer, site))
        digest = None
        if template.source is not None and self._digests is not None:
            digest = self._digests.get(template.source)
            if digest is None:
                return Fault(item.at(("template",)), f"Schedule {item.name}: the file of its template is not there")
        env: dict[str, str] = {}
        secrets: dict[str, str] = {}
        for name, parameter in template.params.items():
            value = spec.params.get(name, parameter.default)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            (secrets if parameter.type == "secret" else env)[f"PARAM_{name.upper()}"] = text
        placed = PlacedSchedule(
            id=item.name, cron=spec.cron, zone=zone, jitter=spec.jitter, missed=spec.missed, template=spec.template,
            shell=template.shell, env=env, secrets=secrets, run_as=template.run_as, timeout=template.timeout,
            output=template.output,
        )
        what = {"script": template.script, "digest": digest, "unless": template.unless}
        if template.sandbox == "none":
            return placed.model_copy(update=what)
        return placed.model_copy(update={"inside": PlacedInside(sandbox=template.sandbox, **what)})


def _template(item: Object, fleet: Fleet) -> CommandTemplate | None:
    """The template that the schedule names, in its own repository revision; validation sees to it that there is one."""
    if not isinstance(item.spec, Schedule):
        return None
    scope: Scope | None = item.key.scope
    while scope is not None:
        found = fleet.get(TEMPLATE, scope, item.spec.template)
        if found is not None and isinstance(found.spec, CommandTemplate):
            return found.spec
        scope = scope.parent()
    return None
