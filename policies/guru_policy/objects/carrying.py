"""Files of the repository that parts of an object name, and where they name them. It opens no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from guru_policy.faults import Fault, Origin
from guru_policy.objects.object import Carries
from guru_policy.text.nodes import Node

MAX_WORD = 1024                         # characters of a repository path

Parts: TypeAlias = tuple[tuple[Carries, ...], frozenset[str], tuple[tuple[str, tuple[Fault, ...]], ...]]
"""Of an object's parts: what they carry, texts that may name files, and what each lacks by itself."""


def carried_by(node: Node, path: str, sources: Sequence[str]) -> tuple[Carries, ...]:
    """The files, each with the place at which the node names it."""
    return tuple(Carries(source, where(node, source, path)) for source in sources)


def entries_of(node: Node, section: str) -> Iterator[tuple[str, Node]]:
    """The entries of a section that are maps, by id."""
    part = node.get(section)
    if part is not None and isinstance(part.value, dict):
        for item_id, entry in part.value.items():
            if isinstance(entry.value, dict):
                yield item_id, entry


def texts(node: Node) -> Iterator[str]:
    """Every text in the node that could be the path of a file in the repository."""
    value = node.value
    if isinstance(value, str):
        if len(value) <= MAX_WORD and not value.startswith("/") and "\n" not in value:
            yield value
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from texts(entry)


def where(node: Node, text: str, path: str) -> Origin:
    """The place of the first value that is this text; else of the node."""
    if isinstance(node.value, dict | list):
        for entry in node.value.values() if isinstance(node.value, dict) else node.value:
            if text in texts(entry):
                return where(entry, text, path)
    return node.at(path)
