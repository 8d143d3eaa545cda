"""One object of a fleet repository, with the place of everything in it. It knows no other object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from guru_policy.faults import Fault, Origin
from guru_policy.inventory import Scalar
from guru_policy.kinds.base import Metadata, Spec
from guru_policy.objects.scopes import Scope
from guru_policy.selector import Selector, parse
from guru_policy.text.nodes import Node, deepest, entries_named


class Key(NamedTuple):
    """The identity of an object."""

    kind: str
    scope: Scope
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Carries(NamedTuple):
    """A file of the repository that a resource takes along, and where that is written."""

    source: str
    origin: Origin


class Refers(NamedTuple):
    """A `secretRef` in a check or resource, and where it is written."""

    name: str
    what: str                           # such as `resources.office`
    origin: Origin


@dataclass(frozen=True)
class Object:
    """`spec` is the kind's model, `node` the same spec as written, `origin` where the object begins."""

    key: Key
    metadata: Metadata
    spec: Spec
    node: Node
    path: str
    origin: Origin
    carries: tuple[Carries, ...] = ()                       # of resources that are complete by themselves
    words: frozenset[str] = frozenset()                     # texts in resources: they may name files
    incomplete: tuple[tuple[str, tuple[Fault, ...]], ...] = ()      # item path to what it lacks by itself

    @property
    def name(self) -> str:
        """Its name."""
        return self.key.name

    @property
    def labels(self) -> Mapping[str, Scalar]:
        """Its labels, without namespace."""
        return self.metadata.labels

    @cached_property
    def selector(self) -> Selector:
        """The selector of kinds that have one; the empty one for others."""
        return parse(str(getattr(self.spec, "selector", "")))

    @cached_property
    def secret_refs(self) -> tuple[Refers, ...]:
        """Every secret that a policy's checks and resources refer to."""
        if self.key.kind != "Policy":
            return ()
        return tuple(
            Refers(str(node.value), f"{section}.{item_id}", node.at(self.path))
            for section in ("checks", "resources") if (part := self.node.get(section)) is not None
            for item_id, entry in (part.value.items() if isinstance(part.value, dict) else ())
            for node in entries_named(entry, "secretRef")
        )

    def at(self, steps: Sequence[str | int]) -> Origin:
        """Where the deepest part of the spec stands that these steps lead to."""
        return deepest(self.node, steps)[0].at(self.path)

    def place(self, *steps: str) -> Origin:
        """Where a part of the spec stands: its value, or its key when it is a map or list."""
        node = self.node
        for step in steps:
            node = node.get(step) or node
        return node.at(self.path)
