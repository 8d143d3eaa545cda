"""What an object names of other objects, by kind: an explicit list. It looks nothing up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from guru_policy.kinds.action_set import ActionSet
from guru_policy.kinds.alert_rule import AlertRule
from guru_policy.kinds.binding import Binding
from guru_policy.kinds.command_template import CommandTemplate
from guru_policy.kinds.escalation_policy import EscalationPolicy
from guru_policy.kinds.role import Role
from guru_policy.kinds.rollout import Rollout
from guru_policy.kinds.schedule import Schedule
from guru_policy.kinds.test import Test
from guru_policy.objects.object import Object
from guru_policy.selector import Selector, parse

Step = str | int


class Link(NamedTuple):
    """A name at a place of the spec, and the kind that it has to be of."""

    steps: tuple[Step, ...]
    kind: str
    name: str


def links_of(item: Object) -> Iterator[Link]:
    """Every name of another object that stands in the spec."""
    spec = item.spec
    if isinstance(spec, AlertRule):
        yield from _all(("notify",), "NotificationChannel", spec.notify)
    elif isinstance(spec, EscalationPolicy):
        for name, step in spec.steps.items():
            yield from _all(("steps", name, "notify"), "NotificationChannel", step.notify)
    elif isinstance(spec, ActionSet):
        for name, action in spec.actions.items():
            if isinstance(pin := action.get("pin"), str):
                yield Link(("actions", name, "pin"), "Secret", pin)
    elif isinstance(spec, CommandTemplate) and spec.approval is not None:
        yield Link(("approval", "role"), "Role", spec.approval.role)
    elif isinstance(spec, Schedule):
        yield Link(("template",), "CommandTemplate", spec.template)
    elif isinstance(spec, Binding):
        yield Link(("role",), "Role", spec.role)
    elif isinstance(spec, Test):
        yield from _of_test(spec)


def _of_test(test: Test) -> Iterator[Link]:
    for index, ack in enumerate(test.acknowledge):
        yield Link(("acknowledge", index, "alert"), "AlertRule", ack.alert)
    for index, moment in enumerate(test.timeline):
        here: tuple[Step, ...] = ("timeline", index)
        if moment.alert is not None:
            yield Link((*here, "alert"), "AlertRule", moment.alert)
        for field, told in (("notified", moment.notified), ("told", moment.told)):
            for place, name in enumerate(told or ()):
                if "@" not in name:
                    yield Link((*here, field, place), "NotificationChannel", name)
        yield from _all((*here, "muted"), "MaintenanceWindow", moment.muted or ())
        yield from _all((*here, "blocked"), "MaintenanceWindow", moment.blocked or ())


def selectors_of(item: Object) -> Iterator[tuple[tuple[str, ...], Selector]]:
    """Every selector in the spec and where it stands."""
    if item.selector.requirements:
        yield ("selector",), item.selector
    parts = item.spec.batches if isinstance(item.spec, Rollout) else {}
    for name, batch in parts.items():
        yield ("batches", name, "selector"), parse(batch.selector)
    rules = item.spec.rules if isinstance(item.spec, Role) else {}
    for name, rule in rules.items():
        yield ("rules", name, "selector"), parse(rule.selector)


def _all(steps: tuple[Step, ...], kind: str, names: tuple[str, ...]) -> Iterator[Link]:
    for index, name in enumerate(names):
        yield Link((*steps, index), kind, name)
