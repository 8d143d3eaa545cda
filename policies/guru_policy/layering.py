"""Layers of policy to one tree, in which every leaf remembers who set it and who lost. It judges no kind.

Built-in < org < customer < site < group (by priority) < device < override. Scalars and lists replace, maps merge;
`$remove: true` takes away, `$replace: true` and `{}` restart a map. What is said twice at the same rank must
be the same. Nothing here changes once made, so that devices share what their layers share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from pydantic import JsonValue

from guru_policy.enforcing import Lock, lock_faults
from guru_policy.faults import Fault, Origin
from guru_policy.merged import Cell, Entry, Table
from guru_policy.objects.markers import REPLACE, removes, restarts
from guru_policy.quantities import shown
from guru_policy.text.nodes import Node, plain

Rank = tuple[int, int]                  # level, and among groups the priority
BUILT_IN, ORG, CUSTOMER, SITE, GROUP, DEVICE, OVERRIDE = range(7)


@dataclass(frozen=True, eq=False)
class Layer:
    """One policy at its rank. `label` is for people: `org`, `customer acme`, `group servers`."""

    rank: Rank
    label: str
    revision: str
    path: str
    node: Node                          # agent, checks and resources as written
    locks: tuple[tuple[tuple[str, ...], Origin], ...] = ()      # `enforced`
    by_facts: bool = False              # what the agent says of its device decides whether it applies


@dataclass(frozen=True)
class Resolved:
    """The merged tree, what is wrong with it, and which `$remove`s took something away or missed."""

    table: Table
    faults: tuple[Fault, ...] = ()
    hit: frozenset[Origin] = frozenset()
    missed: frozenset[Origin] = frozenset()
    locks: tuple[Lock, ...] = ()


@dataclass
class _Patch:
    """What the policies of one rank say about one place, together."""

    action: Literal["set", "remove", "map"]
    layer: Layer
    node: Node
    value: JsonValue = None
    entries: dict[str, _Patch] = field(default_factory=dict)
    restart: tuple[Layer, Node] | None = None
    same: list[tuple[Layer, Node]] = field(default_factory=list)

    @property
    def origin(self) -> Origin:
        return self.node.at(self.layer.path)


class Resolver:
    """Resolves lists of layers; what equal beginnings give is made once."""

    def __init__(self, common: Resolver | None = None) -> None:
        self._common = common           # makes and keeps what the organisation's layers give
        self._known: dict[tuple[Layer, ...], Resolved] = {}
        self._patches: dict[tuple[Layer, ...], tuple[_Patch, tuple[Fault, ...]]] = {}

    def resolve(self, layers: Iterable[Layer]) -> Resolved:
        """The layers merged, lowest rank first, whatever order they come in."""
        ordered = tuple(sorted(layers, key=lambda layer: (layer.rank, layer.path, layer.node[1:])))
        state = self._known.get(ordered)
        if state is None:
            state = Resolved(Table({}, None))
            prefix: tuple[Layer, ...] = ()
            for key, together in groupby(ordered, key=lambda layer: layer.rank):
                rank = tuple(together)
                prefix = (*prefix, *rank)
                if self._common is not None and key[0] <= ORG:
                    state = self._common.resolve(prefix)
                    continue
                state = self._known.get(prefix) or self._step(state, rank)
                self._known[prefix] = state
        return state

    def _step(self, before: Resolved, rank: tuple[Layer, ...]) -> Resolved:
        known = self._patches.get(rank)
        if known is None:
            conflicts: list[Fault] = []
            patch = _whole(rank[0])
            for layer in rank[1:]:
                patch = _unite(patch, _whole(layer), (), conflicts)
            known = self._patches[rank] = patch, tuple(conflicts)
        patch, found = known
        hit, missed = set(before.hit), set(before.missed)
        table = _apply_map(before.table, patch, hit, missed)
        faults = (*before.faults, *found, *lock_faults(before.locks, before.table, table))
        locks = tuple(Lock(path, origin) for layer in rank for path, origin in layer.locks)
        return Resolved(table, faults, frozenset(hit), frozenset(missed), (*before.locks, *locks))


def _whole(layer: Layer) -> _Patch:
    """All that a layer says. One without any section (a policy of a `mode` only) empties nothing."""
    patch = _patch(layer, layer.node)
    patch.restart = None
    return patch


def _patch(layer: Layer, node: Node) -> _Patch:
    """What one policy says, ready to unite and apply."""
    if not isinstance(node.value, dict):
        return _Patch("set", layer, node, plain(node))
    if removes(node):
        return _Patch("remove", layer, node)
    entries = {key: _patch(layer, entry) for key, entry in node.value.items() if key != REPLACE}
    return _Patch("map", layer, node, None, entries, (layer, node) if restarts(node) else None)


def _unite(one: _Patch, other: _Patch, path: tuple[str, ...], faults: list[Fault]) -> _Patch:
    """Two patches of one rank; where they differ, a fault at the later place."""
    if one.action == other.action == "map":
        entries = dict(one.entries)
        for key, entry in other.entries.items():
            entries[key] = _unite(entries[key], entry, (*path, key), faults) if key in entries else entry
        return _Patch("map", one.layer, one.node, None, entries, one.restart or other.restart)
    if one.action == other.action and same(one.value, other.value):
        return _Patch(one.action, one.layer, one.node, one.value,
                      same=[*one.same, (other.layer, other.node), *other.same])
    first, second = sorted((one, other), key=lambda patch: patch.origin)
    faults.append(Fault(
        second.origin,
        f"{'.'.join(path)} is {_said(second)} here and {_said(first)} in {first.origin}, at the same rank",
        "give one group a higher priority, or keep the value in one place",
    ))
    return first


def same(one: JsonValue, other: JsonValue) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _said(patch: _Patch) -> str:
    if patch.action == "remove":
        return "removed"
    if patch.action == "map":
        return "a map"
    return shown(patch.value)


def _apply_map(old: Entry | None, patch: _Patch, hit: set[Origin], missed: set[Origin]) -> Table:
    if isinstance(old, Table):
        entries, made_by, made_at, before = dict(old.entries), old.layer, old.node, old.before
    else:
        entries, made_by, made_at, before = {}, patch.layer, patch.node, old
    if patch.restart is not None:
        made_by, made_at = patch.restart
        for key, entry in entries.items():
            entries[key] = Cell("replace", None, made_by, made_at, entry)
    for key, inner in patch.entries.items():
        entries[key] = _apply(entries.get(key), inner, hit, missed)
    return Table(entries, before, made_by, made_at)


def _apply(old: Entry | None, patch: _Patch, hit: set[Origin], missed: set[Origin]) -> Entry:
    if patch.action == "map":
        return _apply_map(old, patch, hit, missed)
    if patch.action == "remove":
        for layer, node in ((patch.layer, patch.node), *patch.same):
            (hit if old is not None and old.live else missed).add(node.at(layer.path))
    for layer, node in reversed(patch.same):
        old = Cell(patch.action, patch.value, layer, node, old)
    return Cell(patch.action, patch.value, patch.layer, patch.node, old)


def missed_faults(resolved: Sequence[Resolved]) -> tuple[Fault, ...]:
    """Warnings for every `$remove` that took nothing away in any of these."""
    hit = {origin for state in resolved for origin in state.hit}
    missed = {origin for state in resolved for origin in state.missed} - hit
    return tuple(
        Fault(origin, "`$remove` removes nothing: nothing is inherited here", "take it out", "warning")
        for origin in sorted(missed) if origin.path         # an override stands in no file
    )
