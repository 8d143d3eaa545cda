"""An AlertRule in force: which checks of which devices it is about, and what it says. It tells nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from guru_policy.alerting.episode import Timing
from guru_policy.conditions import Subject
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device
from guru_policy.kinds.alert_rule import AlertRule
from guru_policy.kinds.device_group import DeviceGroup
from guru_policy.labels import labels_of
from guru_policy.objects.object import Object
from guru_policy.selector import parse
from guru_policy.text.flattening import plain

SUMMARY_MOST = 300


@dataclass(frozen=True, slots=True)
class Rule:
    """An AlertRule in force for a customer, with its selector resolved."""

    key: str                            # scope and name, which no other rule shares: org/disk-full
    spec: AlertRule
    chooses: Callable[[Device], bool]   # the rule's selector over the device's labels

    @property
    def timing(self) -> Timing:
        """The part that decides, in ms."""
        return Timing(self.spec.state, hold=self.spec.lasting * 1000, keep=self.spec.keep_firing * 1000)

    def names(self, check: str) -> bool:
        """Whether this rule is about a check of that id, on the devices that it chooses."""
        return fnmatchcase(check, self.spec.check)

    def watches(self, device: Device, check: str) -> bool:
        """Whether this rule is about that check of that device."""
        return self.names(check) and self.chooses(device)

    def summary(self, device: Device, check: str, message: str, value: float | None, unit: str) -> str:
        """One line for people; what devices say in it is made safe to show."""
        words = {
            "device": device.name, "customer": device.place.customer, "site": device.place.site,
            "check": check, "message": message, "value": "" if value is None else f"{value:g} {unit}".strip(),
        }
        return plain(self.spec.summarize(words), SUMMARY_MOST)


def rules_of(sources: Sources, customer: str) -> tuple[Rule, ...]:
    """The rules in force for a customer's devices, by name; its own hides the organisation's of that name."""
    return tuple(rule_of(item, sources) for item in sources.alert_rules(customer))


def rule_of(item: Object, sources: Sources) -> Rule:
    """The rule of an AlertRule object; TypeError for any other."""
    if not isinstance(item.spec, AlertRule):
        raise TypeError(f"{item.key} is no AlertRule")
    selector = parse(item.spec.selector)
    reads_groups = "group" in selector.keys

    def chooses(device: Device) -> bool:
        subject = Subject(labels_of(sources.customer, device), device.place, device.name, device.id)
        if reads_groups:
            subject = subject._replace(groups=_groups(sources.org, subject))
        return selector.accepts(subject)

    scope = item.key.scope.customer or "org"
    return Rule(f"{scope}/{item.name}", item.spec, chooses)


def _groups(org: Fleet, subject: Subject) -> frozenset[str]:
    return frozenset(
        group.name for group in org.groups()
        if isinstance(group.spec, DeviceGroup) and parse(group.spec.selector).accepts(subject)
    )
