"""What the server knows of its devices when it compiles: names, places, labels, facts. No live state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

Scalar = str | int | float | bool


class Place(NamedTuple):
    """Where a device lives; customer and site are names from the fleet repository's folders."""

    customer: str
    site: str


class Override(NamedTuple):
    """A value that a person put in the place of what policies say, until a moment (ms UTC).

    `id` names the deed: one deed may set several paths on several devices. `{"$remove": true}` takes away.
    """

    id: str
    path: str                           # `mode`, or a path of a device such as `checks.disk.warning`
    value: JsonValue
    actor: str
    reason: str
    until: int


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled device. `facts` come from the agent and may lie; `op_labels` from technicians."""

    id: str                             # 32 hex digits, made at enrolment
    name: str                           # unique within its site
    place: Place
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    op_labels: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()                    # in force, by path; no two overlap
    stamp: bytes = field(default=b"", compare=False, repr=False)    # equal: all but overrides is; empty: not known
