"""Selectors: which devices. One grammar for YAML, command line and API; it never looks anything up.

    a=b   a==b   a!=b   a in (x,y)   a notin (x,y)   a   !a   a>=16   @customer   @customer/site   , means and

A value may hold `*` and `?`, or stand in quotes to be taken literally. Keys are `git/...`, `op/...`,
`fact/...`, or bare: then the first of the three that the device has. `name`, `customer`, `site`, `id` and
`group` are the device's own. As in Kubernetes, `!=` and `notin` also match where the key is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from guru_policy.conditions import OWN_KEYS, Requirement, Subject
from guru_policy.inventory import Place, Scalar
from guru_policy.selector_grammar import requirements_of


@dataclass(frozen=True)
class Selector:
    """A parsed selector; the empty one matches every device."""

    text: str
    requirements: tuple[Requirement, ...]

    def matches(
        self,
        labels: Mapping[str, Scalar],
        place: Place,
        name: str,
        *,
        id: str = "",  # noqa: A002 - the grammar's own word
        groups: frozenset[str] = frozenset(),
    ) -> bool:
        """Whether it selects the device with these labels (keys with their namespace)."""
        return self.accepts(Subject(labels, place, name, id, groups))

    def accepts(self, subject: Subject) -> bool:
        """Whether it selects the device."""
        return all(requirement.accepts(subject) for requirement in self.requirements)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every key it reads."""
        return frozenset(requirement.key for requirement in self.requirements)

    @property
    def uses_facts(self) -> bool:
        """Whether the agent's own word can decide: by a `fact/` key, or by a bare key, which may be one.

        Such a selector may choose checks and policies; it may never decide roles, secrets or customers.
        """
        return any(key.startswith("fact/") or ("/" not in key and key not in OWN_KEYS) for key in self.keys)

    def named_groups(self) -> tuple[str, ...]:
        """The groups it names without a glob."""
        return tuple(
            pattern.text
            for requirement in self.requirements if requirement.key == "group"
            for pattern in requirement.patterns if pattern.glob is None
        )


@lru_cache(maxsize=8192)
def parse(text: str) -> Selector:
    """The selector. Raises InputInvalid with the column and a hint."""
    return Selector(text, requirements_of(text))
