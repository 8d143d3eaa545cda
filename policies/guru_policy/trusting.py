"""What an agent's own word may not decide: roles, elevation, secrets. It looks at objects, at no device.

A device reports its `fact/` labels itself, and it can lie. A bare label counts as one: it may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guru_policy.faults import Fault
from guru_policy.kinds.action_set import ActionSet
from guru_policy.kinds.command_template import CommandTemplate
from guru_policy.kinds.policy import Policy
from guru_policy.kinds.role import Role
from guru_policy.kinds.schedule import Schedule
from guru_policy.merged import Cell, Entry
from guru_policy.objects.carrying import entries_of
from guru_policy.objects.object import Object
from guru_policy.selector import Selector, parse

_LYING = "a label that the agent reports would decide who gets a secret"
HINT = "select by git/ or op/ labels, customer, site or name: an agent can lie about itself"


def by_facts(selector: Selector, groups: Mapping[str, Selector]) -> bool:
    """Whether an agent's word decides about the selector, by itself or through a group that it names."""
    if selector.uses_facts:
        return True
    named = [pattern for one in selector.requirements if one.key == "group" for pattern in one.patterns]
    anything = any(one.key == "group" and not one.patterns for one in selector.requirements)
    return any(
        found.uses_facts for name, found in groups.items()
        if anything or any(pattern.accepts(name) for pattern in named)
    )


def decided_by_facts(item: Object, groups: Mapping[str, Selector]) -> bool:
    """Whether an agent's word decides if the object applies to its device."""
    own = groups.get(item.key.scope.group)
    return by_facts(item.selector, groups) or (own is not None and own.uses_facts)


def trust_faults(
    item: Object, groups: Mapping[str, Selector], template: CommandTemplate | None
) -> Iterator[Fault]:
    """Where the object lets an agent decide what it may not. `template` is a Schedule's own, if it exists."""
    if isinstance(item.spec, Role):
        for name, rule in item.spec.rules.items():
            if by_facts(parse(rule.selector), groups):
                message = f"spec.rules.{name}.selector: a label that the agent reports would decide about a role"
                yield Fault(item.place("rules", name, "selector"), message, HINT)
    elif isinstance(item.spec, ActionSet) and decided_by_facts(item, groups):
        for name, entry in entries_of(item.node, "actions"):
            pin, elevate, kind = entry.get("pin"), entry.get("elevate"), entry.get("type")
            restarts = kind is not None and kind.value == "RestartService"
            if restarts or (elevate is not None and elevate.value is True) or pin is not None:
                about = "a PIN" if pin is not None else "elevation"
                message = f"spec.actions.{name}: a label that the agent reports would decide about {about}"
                yield Fault(entry.at(item.path), message, HINT)
    elif isinstance(item.spec, Policy) and item.secret_refs and decided_by_facts(item, groups):
        for ref in item.secret_refs:
            yield Fault(ref.origin, f"spec.{ref.what}: {_LYING}", HINT)
    elif isinstance(item.spec, Schedule) and template is not None and decided_by_facts(item, groups):
        for name, parameter in template.params.items():
            if parameter.type == "secret" and name in item.spec.params:
                yield Fault(item.place("params", name), f"spec.params.{name}: {_LYING}", HINT)


def secret_fault(what: str, entry: Entry) -> Fault | None:
    """The fault of a merged check or resource with secrets, when an agent's word chose any part of it."""
    cell = told_by_facts(entry)
    return Fault(cell.origin, f"{what}: {_LYING}", HINT) if cell is not None else None


def told_by_facts(entry: Entry) -> Cell | None:
    """The first part of a merged entry that a layer chosen by an agent's word said or took away."""
    if isinstance(entry, Cell):
        return entry if entry.layer.by_facts else None
    return next((cell for inner in entry.entries.values() if (cell := told_by_facts(inner)) is not None), None)
