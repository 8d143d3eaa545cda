"""How much of a fleet repository its tests speak of: policies leaf by leaf, alert rules, files. Pure.

A leaf counts when a claim is about the value that it decides, or about what it takes away: that it applied to some
device of a test is not enough. A rule counts when a claim has it begin, fire, end or tell somebody, a step of an
escalation when a claim names whom it told, a channel when it was told, a window when it muted or blocked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from guru_policy.alerting.routing import key_of
from guru_policy.applying import LAYERED, POLICY_MODE, layer_of
from guru_policy.faults import Origin
from guru_policy.fleet import Fleet
from guru_policy.kinds.escalation_policy import EscalationPolicy
from guru_policy.objects.markers import REPLACE, removes
from guru_policy.objects.object import Object
from guru_policy.testing.outcome import Exercised
from guru_policy.text.nodes import Node

ALERTING = {
    "AlertRule": "no claim has it pending, firing or resolved",
    "EscalationPolicy": "",
    "NotificationChannel": "no claim has it told",
    "MaintenanceWindow": "no claim has it muting or blocking",
}
"""Kinds that decide about alerts, and what is missing when no claim is about one."""


class Covered(NamedTuple):
    """One object or file: how many of its parts a claim speaks of, and which none does."""

    kind: str                           # as in the repository, or `file`
    name: str
    origin: Origin
    applied: bool                       # of layers: to a device of a test
    covered: int
    total: int
    missing: tuple[str, ...]            # paths of the leaves


class Coverage(NamedTuple):
    """All of it, by place."""

    rows: tuple[Covered, ...]

    @property
    def covered(self) -> int:
        """Parts that a claim speaks of."""
        return sum(row.covered for row in self.rows)

    @property
    def total(self) -> int:
        """Leaves, rules, steps, channels, windows and files."""
        return sum(row.total for row in self.rows)

    @property
    def share(self) -> float:
        """From 0 to 1; 1 when there is nothing to cover."""
        return self.covered / self.total if self.total else 1.0


def coverage(fleet: Fleet, exercised: Exercised) -> Coverage:
    """What the claims of tests leave out, and what not."""
    rows: list[Covered] = []
    files: dict[str, Origin] = {}
    for item in sorted(fleet.objects.values(), key=lambda item: item.origin):
        if item.key.kind in LAYERED:
            row, carried = _layered(fleet, item, exercised)
            rows.append(row)
            files = carried | files
        elif item.key.kind in ALERTING:
            rows.append(_alerting(item, exercised))
    for path in sorted(files):
        told = path in exercised.files
        rows.append(Covered("file", path, files[path], told, int(told), 1,
                            () if told else ("no claim is about it",)))
    return Coverage(tuple(rows))


def _alerting(item: Object, exercised: Exercised) -> Covered:
    """The row of what decides about alerts. Its parts are the steps of an escalation, else itself."""
    if isinstance(item.spec, EscalationPolicy):
        missing = tuple(name for name in item.spec.steps if f"{key_of(item)}/{name}" not in exercised.steps)
        total = len(item.spec.steps)
        return Covered(item.key.kind, item.name, item.origin, len(missing) < total, total - len(missing), total,
                       tuple(f"steps.{name}" for name in missing))
    covered = {
        "AlertRule": f"{item.key.scope.customer or 'org'}/{item.name}" in exercised.rules,
        "NotificationChannel": item.key in exercised.channels,
        "MaintenanceWindow": item.origin in exercised.windows,
    }[item.key.kind]
    return Covered(item.key.kind, item.name, item.origin, covered, int(covered), 1,
                   () if covered else (ALERTING[item.key.kind],))


def _layered(fleet: Fleet, item: Object, exercised: Exercised) -> tuple[Covered, dict[str, Origin]]:
    """The object's row, and the files that it names with the places where it does."""
    layer = layer_of(fleet, item, (0, 0), "")
    leaves = list(_leaves(layer.node, ()))
    missing = tuple(".".join(path) for path, node in leaves if node.at(item.path) not in exercised.leaves)
    files = {
        node.value: node.at(item.path) for path, node in leaves
        if path[-1:] in (("source",), ("icon",)) and isinstance(node.value, str) and node.value in fleet.assets
    }
    applied = layer.node.at(layer.path) in exercised.applied
    counts = len(leaves) - len(missing), len(leaves)
    return Covered(item.key.kind, item.name, item.origin, applied, *counts, missing), files


def _leaves(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every value that is written, and every `$remove`."""
    if removes(node) or not isinstance(node.value, dict):
        yield path, node
        return
    for key, inner in node.value.items():
        if key not in (REPLACE, POLICY_MODE):
            yield from _leaves(inner, (*path, key))


__all__ = ["Coverage", "Covered", "coverage"]
