"""What the server knows of its devices when it compiles: names, places, labels, facts. No live state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Scalar = str | int | float | bool


class Place(NamedTuple):
    """Where a device lives; customer and site are names from the fleet repository's folders."""

    customer: str
    site: str


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled device. `facts` come from the agent and may lie; `op_labels` from technicians."""

    id: str                             # 32 hex digits, made at enrolment
    name: str                           # unique within its site
    place: Place
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    op_labels: Mapping[str, str] = field(default_factory=dict)
    stamp: bytes = field(default=b"", compare=False, repr=False)    # equal stamps: all is equal; empty: not known
