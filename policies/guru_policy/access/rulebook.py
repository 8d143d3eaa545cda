"""The roles and bindings of one revision, small enough to store beside it. It decides nothing.

A rulebook is what a server keeps in its database: a decision needs neither Git nor the rest of the fleet.
"""

from __future__ import annotations

from typing import Literal

from guru_policy.conditions import OWN_KEYS
from guru_policy.fleet import Fleet
from guru_policy.kinds.binding import Binding
from guru_policy.kinds.role import Role
from guru_policy.model import Carried
from guru_policy.objects.object import Object
from guru_policy.objects.scopes import ORG
from guru_policy.selector import parse


class HeldRule(Carried):
    """One rule of a role. `mfa_within` is in seconds, 0: not asked for; `max_devices` 0: any number."""

    id: str
    effect: Literal["allow", "deny"]
    verbs: tuple[str, ...]
    line: int
    classes: tuple[str, ...] = ()
    selector: str = ""
    mfa_within: int = 0
    ticket: bool = False
    approval: bool = False
    max_devices: int = 0


class HeldRole(Carried):
    """A Role and the file that it stands in."""

    name: str
    path: str
    rules: tuple[HeldRule, ...]


class HeldBinding(Carried):
    """A Binding and where it stands."""

    name: str
    path: str
    line: int
    subjects: tuple[str, ...]
    role: str
    scope: str


class Rulebook(Carried):
    """All of a revision. `groups` are the selectors of DeviceGroups, for rules that select by group."""

    revision: str
    roles: tuple[HeldRole, ...] = ()
    bindings: tuple[HeldBinding, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()

    def deciding_labels(self) -> frozenset[str]:
        """The op/ labels, without prefix, by which a rule chooses devices, by itself or through a group."""
        chosen = [parse(rule.selector) for role in self.roles for rule in role.rules]
        keys = {key for selector in chosen for key in selector.keys}
        if "group" in keys:
            keys |= {key for _, text in self.groups for key in parse(text).keys}
        bare = {key for key in keys if "/" not in key} - OWN_KEYS
        return frozenset({key.removeprefix("op/") for key in keys if key.startswith("op/")} | bare)


def rulebook_of(fleet: Fleet) -> Rulebook:
    """What the organisation's folder says; Roles and Bindings that stand anywhere else count for nothing."""
    roles = [_role(item, item.spec) for item in fleet.in_scope("Role", ORG) if isinstance(item.spec, Role)]
    bindings = [
        _binding(item, item.spec) for item in fleet.in_scope("Binding", ORG) if isinstance(item.spec, Binding)
    ]
    return Rulebook(
        revision=fleet.revision,
        roles=tuple(sorted(roles, key=lambda one: one.name)),
        bindings=tuple(sorted(bindings, key=lambda one: one.name)),
        groups=tuple((group.name, str(group.selector.text)) for group in fleet.groups()),
    )


def _role(item: Object, spec: Role) -> HeldRole:
    return HeldRole(name=item.name, path=item.path, rules=tuple(
        HeldRule(
            id=name, effect=rule.effect, verbs=rule.verbs, line=item.place("rules", name).line,
            classes=rule.classes, selector=rule.selector, mfa_within=rule.conditions.mfa_within or 0,
            ticket=rule.conditions.ticket, approval=rule.conditions.approval,
            max_devices=rule.conditions.max_devices or 0,
        )
        for name, rule in sorted(spec.rules.items())
    ))


def _binding(item: Object, spec: Binding) -> HeldBinding:
    return HeldBinding(
        name=item.name, path=item.path, line=item.origin.line, subjects=spec.subjects, role=spec.role,
        scope=spec.scope,
    )
