"""Entries of a policy's `checks` and `resources`: the words around a kind, and the kind's own model.

    disk: {kind: disk_space, every: 5m, ...fields of DiskSpace}
    motd: {kind: file, after: [etc], observe: true, ...fields of File}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from guru_policy.checks import CHECKS
from guru_policy.checks.base import Check
from guru_policy.faults import Fault
from guru_policy.kinds.base import Spec
from guru_policy.quantities import ItemId, PositiveDuration, shown
from guru_policy.resources import RESOURCES
from guru_policy.resources.base import Resource
from guru_policy.text.placing import Located, validated
from guru_policy.text.suggesting import did_you_mean

Section = Literal["checks", "resources"]


class CheckWords(Spec):
    """What a policy says about a check beside its fields."""

    every: PositiveDuration = Field(default=60, description="how often it is looked at")


class ResourceWords(Spec):
    """What a policy says about a resource beside its fields; `observe` wins over the policy's mode."""

    after: tuple[ItemId, ...] = Field(default=(), description="ids of resources that come first")
    observe: bool | None = Field(
        default=None, description="report and change nothing; wins over the policy's and the customer's `mode`")


KINDS: Mapping[Section, Mapping[str, type[BaseModel]]] = {"checks": CHECKS, "resources": RESOURCES}
WORDS: dict[Section, type[CheckWords] | type[ResourceWords]] = {
    "checks": CheckWords, "resources": ResourceWords
}


@dataclass(frozen=True)
class Item:
    """A check or a resource with the words around it."""

    words: CheckWords | ResourceWords
    model: Check | Resource[object]


def read_item(
    section: Section, value: dict[str, JsonValue], located: Located, what: str
) -> tuple[Item | None, list[Fault], list[Fault]]:
    """The item, or its faults: those that stand, and those that a lower layer may still mend."""
    kind = value.get("kind")
    if kind is None:
        return None, [], [Fault(located.place((), False)[0], f"{what}.kind: is missing", _all(section))]
    model = KINDS[section].get(kind) if isinstance(kind, str) else None
    if model is None:
        kind = kind if isinstance(kind, str) else "something that is no word"
        hint = did_you_mean(kind, KINDS[section])
        noun = section.removesuffix("s")
        return None, [Fault(located.place(("kind",), False)[0], f"{what}.kind: there is no {noun} kind "
                            f"{shown(kind)}", hint)], []
    words = WORDS[section]
    around = {key: entry for key, entry in value.items() if key in words.model_fields}
    inside = {key: entry for key, entry in value.items() if key not in words.model_fields}
    found, faults, missing = validated(words, around, located, what, partial=True)
    inner, more, late = validated(model, inside, located, what, partial=True)
    faults, missing = faults + more, missing + late
    if found is None or not isinstance(inner, Check | Resource):
        return None, faults, missing
    return Item(found, inner), faults, missing


def _all(section: Section) -> str:
    return "one of " + ", ".join(sorted(KINDS[section]))
