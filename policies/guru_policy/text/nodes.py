"""A YAML document as a tree in which everything knows its place. It knows no file and no kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from pydantic import JsonValue

from guru_policy.faults import Origin

Value: TypeAlias = "str | int | float | bool | dict[str, Node] | list[Node] | None"


class Node(NamedTuple):
    """A value and where it stands; lines and columns count from 1.

    For an entry of a map, `key_line` and `key_column` are the place of its key; elsewhere they repeat
    the value's own place.
    """

    value: Value
    line: int
    column: int
    key_line: int
    key_column: int

    def at(self, path: str) -> Origin:
        """The place of the value: for a map or a list in a map, of the key that names it."""
        if isinstance(self.value, dict | list):
            return Origin(path, self.key_line, self.key_column)
        return Origin(path, self.line, self.column)

    def key_at(self, path: str) -> Origin:
        """The place of the key."""
        return Origin(path, self.key_line, self.key_column)

    def get(self, key: str) -> Node | None:
        """The entry of a map; None when this is no map or has no such key."""
        return self.value.get(key) if isinstance(self.value, dict) else None


def plain(node: Node) -> JsonValue:
    """The value without places."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def entries_named(node: Node, key: str) -> Iterator[Node]:
    """The entries of this key in the node, however deep, that are a word."""
    if isinstance(node.value, dict):
        for name, entry in node.value.items():
            if name == key and isinstance(entry.value, str):
                yield entry
            else:
                yield from entries_named(entry, key)
    elif isinstance(node.value, list):
        for entry in node.value:
            yield from entries_named(entry, key)


def word(node: Node) -> str:
    """The value as one word in a message; a map or list by its name only."""
    if isinstance(node.value, dict | list):
        return "a map" if isinstance(node.value, dict) else "a list"
    return "nothing" if node.value is None else str(node.value)


def deepest(node: Node, location: Sequence[str | int]) -> tuple[Node, int]:
    """Follow `location` as far as it leads: the node there, and how many steps led to it.

    Steps that name no entry are passed over when a later one does: pydantic puts the tags of unions
    among the keys.
    """
    reached = 0
    for index, step in enumerate(location):
        inner: Node | None = None
        if isinstance(step, str):
            inner = node.get(step)
        elif isinstance(node.value, list) and 0 <= step < len(node.value):
            inner = node.value[step]
        if inner is not None:
            node, reached = inner, index + 1
    return node, reached
