"""One condition of a selector, and what it looks at. It reads no text of selectors."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from guru_policy.inventory import Place, Scalar

OWN_KEYS = frozenset({"name", "customer", "site", "id", "group"})
NAMESPACES = ("git", "op", "fact")

_ORDER: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
}


class Subject(NamedTuple):
    """What a selector looks at: one device. Label keys carry their namespace (`git/ring`)."""

    labels: Mapping[str, Scalar]
    place: Place
    name: str
    id: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Pattern:
    """One value to compare with; a glob unless it stood in quotes."""

    text: str
    literal: bool = False

    @cached_property
    def glob(self) -> re.Pattern[str] | None:
        """The compiled glob; None when the text is to be equal."""
        if self.literal or not ("*" in self.text or "?" in self.text):
            return None
        return re.compile(fnmatch.translate(self.text.replace("[", "[[]")))

    def accepts(self, have: str) -> bool:
        """Whether the text is equal to the value or fits the glob."""
        return self.glob.match(have) is not None if self.glob else have == self.text


@dataclass(frozen=True)
class Requirement:
    """One condition. `op` is in, notin, exists, absent, >=, <=, > or <."""

    key: str
    op: str
    patterns: tuple[Pattern, ...] = ()
    number: float = 0.0

    def accepts(self, subject: Subject) -> bool:
        """Whether the device fulfils it."""
        have = values_of(subject, self.key)
        match self.op:
            case "exists":
                return bool(have)
            case "absent":
                return not have
            case "in":
                return any(pattern.accepts(text_of(value)) for value in have for pattern in self.patterns)
            case "notin":
                return not any(pattern.accepts(text_of(value)) for value in have for pattern in self.patterns)
        number = number_of(have[0]) if have else None
        return number is not None and _ORDER[self.op](number, self.number)


def values_of(subject: Subject, key: str) -> tuple[Scalar, ...]:
    """What the device has under a key: nothing, one value, or for `group` any number."""
    if "/" in key:
        value = subject.labels.get(key)
        return () if value is None else (value,)
    match key:
        case "name":
            return (subject.name,)
        case "customer":
            return (subject.place.customer,)
        case "site":
            return (subject.place.site,)
        case "id":
            return (subject.id,) if subject.id else ()
        case "group":
            return tuple(sorted(subject.groups))
    for namespace in NAMESPACES:
        value = subject.labels.get(f"{namespace}/{key}")
        if value is not None:
            return (value,)
    return ()


def text_of(value: Scalar) -> str:
    """A label's value as selectors compare it: true, 16, 1.5."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def number_of(value: Scalar) -> float | None:
    """The number in a label's value; None when there is none."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
