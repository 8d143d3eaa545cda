"""Who decided about a part of a merged policy: a layer and a place. It decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from guru_policy.applying import POLICY_MODE
from guru_policy.faults import Origin
from guru_policy.merged import Cell, Entry, Table
from guru_policy.objects.object import Object
from guru_policy.text.nodes import deepest

BUILT_IN = "built-in"
Standing: TypeAlias = Mapping[tuple[str, ...], Object]
"""The objects of a device's windows, schedules and queries, by section and name."""


class Decided(NamedTuple):
    """The layer, such as `customer acme`, and where it says so. `origin` has no path for what is built in.

    Not `written`: nobody says so, and the place is that of the check or resource whose default it is.
    """

    layer: str
    origin: Origin
    written: bool = True

    def __str__(self) -> str:
        if not self.origin.path:
            return self.layer
        return f"{self.origin} ({self.layer})" if self.written else f"default; {self.origin} ({self.layer})"


def decided(table: Table, path: Sequence[str], standing: Standing = MappingProxyType({})) -> Decided:
    """Who set the value at `path` of a bundle's document, or took it away. `standing` are the device's."""
    if path[0] in ("windows", "schedules", "queries"):
        found = standing.get((path[0], *path[1:2]))
        return Decided(str(found.key.scope), found.at(path[2:])) if found else Decided(BUILT_IN, Origin(""))
    entry, steps = _deepest(table, path)
    if path and path[-1] == "observe" and not isinstance(entry, Cell):
        said, _ = _deepest(table, (*path[:-1], POLICY_MODE))
        entry = said if isinstance(said, Cell) else entry
    if entry.layer is None:
        return Decided(BUILT_IN, Origin(""))
    if not isinstance(entry, Cell):
        return Decided(entry.layer.label, entry.origin, written=steps == len(path))
    node, _ = deepest(entry.node, path[steps:])
    return Decided(entry.layer.label, node.at(entry.layer.path))


def _deepest(table: Table, path: Sequence[str]) -> tuple[Entry, int]:
    """The last entry on the way, traces of what is gone included, and how many steps led there."""
    entry: Entry = table
    steps = 0
    while isinstance(entry, Table) and steps < len(path):
        inner = entry.entries.get(path[steps])
        if inner is None:
            break
        entry, steps = inner, steps + 1
    return entry, steps
