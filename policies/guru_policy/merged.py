"""The merged tree of layers: plain values, each with who set it and what it took the place of. Only data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import JsonValue

from guru_policy.faults import Origin
from guru_policy.text.nodes import Node, deepest

if TYPE_CHECKING:
    from guru_policy.layering import Layer

Action = Literal["set", "remove", "replace"]


@dataclass(frozen=True, eq=False, slots=True)
class Cell:
    """A leaf, or the trace of what a layer took away. `before` is what was there in the layers below."""

    action: Action
    value: JsonValue
    layer: Layer
    node: Node
    before: Entry | None

    @property
    def live(self) -> bool:
        """Whether there is a value."""
        return self.action == "set"

    @property
    def origin(self) -> Origin:
        """Where it was written."""
        return self.node.at(self.layer.path)


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A map. `layer` and `node` are those that began it; the root has none."""

    entries: Mapping[str, Entry]
    before: Entry | None
    layer: Layer | None = None
    node: Node | None = None

    @property
    def live(self) -> bool:
        """A map is always a value."""
        return True

    @property
    def origin(self) -> Origin:
        """Where the map was begun."""
        return self.node.at(self.layer.path) if self.node and self.layer else Origin("")

    def place(self, location: Sequence[str | int], at_key: bool) -> tuple[Origin, int]:
        """The place of the deepest part that `location` leads to, and how many steps led there."""
        entry: Entry = self
        reached = 0
        for index, step in enumerate(location):
            inner = entry.entries.get(str(step)) if isinstance(entry, Table) else None
            if inner is not None and inner.live:
                entry, reached = inner, index + 1
        if isinstance(entry, Cell):
            node, more = deepest(entry.node, location[reached:])
            path = entry.layer.path
            return (node.key_at(path) if at_key else node.at(path)), reached + more
        return entry.origin, reached


Entry: TypeAlias = Cell | Table


def value_of(entry: Entry) -> JsonValue:
    """The plain value, without what was taken away."""
    if isinstance(entry, Cell):
        return entry.value
    return {key: value_of(inner) for key, inner in entry.entries.items() if inner.live}


def find(table: Table, path: Sequence[str]) -> Entry | None:
    """What is at a path; None when nothing is, or what was there is gone."""
    entry: Entry | None = table
    for step in path:
        entry = entry.entries.get(step) if isinstance(entry, Table) else None
        if entry is None or not entry.live:
            return None
    return entry


def last_word(table: Table, path: Sequence[str]) -> Entry:
    """The deepest entry on the way to a path, traces of what is gone included."""
    entry: Entry = table
    for step in path:
        inner = entry.entries.get(step) if isinstance(entry, Table) else None
        if inner is None:
            return entry
        entry = inner
    return entry


def history(entry: Entry | None, path: Sequence[str]) -> Iterator[Entry]:
    """Everything that was ever said about a path, the last word first."""
    while entry is not None:
        if isinstance(entry, Cell):
            yield entry
        elif path:
            yield from history(entry.entries.get(path[0]), path[1:])
        else:
            yield entry
        entry = entry.before
