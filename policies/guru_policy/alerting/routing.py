"""What is in force for telling a customer's alerts: escalation policies, and windows that mute. It tells nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from guru_policy.alerting.rule import Rule
from guru_policy.alerting.telling import RULE, Progress, Route, Step, due
from guru_policy.applying import Applying
from guru_policy.conditions import Subject
from guru_policy.fleet import Sources
from guru_policy.inventory import Device
from guru_policy.kinds.escalation_policy import EscalationPolicy
from guru_policy.objects.object import Object
from guru_policy.opening import Calendar
from guru_policy.windowing import Windows

Choose = Callable[[Subject], bool]


class Quiet(NamedTuple):
    """A window that mutes now, and when it closes (ms UTC; None: not known)."""

    name: str
    until: int | None


def _never(_device: Device, _now: int) -> tuple[Quiet, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """An EscalationPolicy in force."""

    key: str                            # scope and name: org/round-the-clock
    severities: frozenset[str]
    route: Route
    chooses: Choose


@dataclass(frozen=True, slots=True)
class Routing:
    """How a customer's alerts are told. `subject` is what selectors see of a device."""

    subject: Callable[[Device], Subject]
    escalations: tuple[Escalation, ...] = ()
    muting: Callable[[Device, int], tuple[Quiet, ...]] = field(default=_never)

    def routes(self, rule: Rule, device: Device) -> tuple[Route, ...]:
        """Every route that an alert of this rule about this device takes."""
        subject = self.subject(device)
        chosen = [one.route for one in self._graver(rule) if one.chooses(subject)]
        return (*_own(rule), *chosen)

    def routes_due(self, rule: Rule, device: Device, progress: Progress, now: int) -> tuple[Route, ...]:
        """Those of them by which something is due now: a selector is only tried when it matters."""
        waiting = [one for one in self._graver(rule) if due((one.route,), progress, now)]
        subject = self.subject(device) if waiting else None
        chosen = [one.route for one in waiting if subject is not None and one.chooses(subject)]
        return (*_own(rule), *chosen)

    def _graver(self, rule: Rule) -> Sequence[Escalation]:
        return [one for one in self.escalations if rule.spec.severity in one.severities]


def routing_of(sources: Sources, customer: str) -> Routing:
    """What is in force for a customer's devices."""
    applying = Applying(sources)
    muting = _Muting(Windows(sources, customer), applying.subject)
    found = tuple(escalation_of(item) for item in sources.escalations(customer))
    return Routing(applying.subject, found, muting)


def escalation_of(item: Object) -> Escalation:
    """The escalation of an EscalationPolicy object; TypeError for any other."""
    spec = item.spec
    if not isinstance(spec, EscalationPolicy):
        raise TypeError(f"{item.key} is no EscalationPolicy")
    key = key_of(item)
    steps = tuple(
        Step(f"{key}/{name}", step.after * 1000, (*step.notify, *step.people), step.unless_acknowledged)
        for name, step in sorted(spec.steps.items(), key=lambda pair: pair[1].after)
    )
    if spec.repeat is None:
        route = Route(steps)
    else:
        route = Route(steps, steps[-1].after + spec.repeat.every * 1000, spec.repeat.times + 1)
    return Escalation(key, frozenset(spec.severities), route, item.selector.accepts)


def key_of(item: Object) -> str:
    """Scope and name of an EscalationPolicy, which no other one shares."""
    return f"{item.key.scope.customer or 'org'}/{item.name}"


class _Muting:
    """Which windows mute a device's alerts; what stands in the calendar is looked at before any selector."""

    def __init__(self, windows: Windows, subject: Callable[[Device], Subject]) -> None:
        self._windows, self._subject, self._calendar = windows, subject, Calendar()

    def __call__(self, device: Device, now: int) -> tuple[Quiet, ...]:
        """Those that are open now, by name."""
        site = device.place.site
        if not any(self._calendar.at(one, now).open for one in self._windows.quiet_times(site)):
            return ()
        found = []
        for window in self._windows.of(self._subject(device)):
            span = self._calendar.at(window.times, now)
            if window.quiet and span.open:
                found.append(Quiet(window.name, span.until))
        return tuple(found)


def _own(rule: Rule) -> tuple[Route, ...]:
    """What the rule itself tells, at once."""
    return (Route((Step(RULE, 0, rule.spec.notify),)),) if rule.spec.notify else ()
