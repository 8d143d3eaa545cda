"""Overrides as layers above everything that policies say. It knows no clock, and judges no kind.

`mode` stands below the others: it is written into every resource of the device, and a resource's own override
is nearer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from guru_policy.inventory import Override
from guru_policy.layering import OVERRIDE, Layer
from guru_policy.merged import Table, find
from guru_policy.text.nodes import Node

MODE = "mode"
ROOTS = ("agent", "checks", "resources")
"""What the path of an override begins with, unless it is `mode`."""


class Overlays:
    """The layers of overrides; devices with the same override share one."""

    def __init__(self) -> None:
        self._known: dict[str, Layer] = {}

    def layers(self, overrides: Iterable[Override], table: Table) -> tuple[Layer, ...]:
        """A layer each, in their order. `table` is what policies alone make of the device."""
        return tuple(self._layer(one, table) for one in overrides)

    def _layer(self, one: Override, table: Table) -> Layer:
        ids = _resources(table) if one.path == MODE else ()
        key = repr((*one[1:], ids))
        known = self._known.get(key)
        if known is None:
            said = _mode(one.value, ids) if one.path == MODE else _at(one.path.split("."), one.value)
            rank = (OVERRIDE, 0 if one.path == MODE else 1)
            known = self._known[key] = Layer(rank, told(one), "", "", node_of(said))
        return known


def told(one: Override) -> str:
    """Who says so, until when and why: the label of its layer."""
    return f"override by {one.actor} until {moment(one.until)}: {one.reason}"


def moment(at: int) -> str:
    """A time in ms UTC as ISO 8601 with seconds; the number itself when there is no such date."""
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(at)


def overlap(one: str, other: str) -> bool:
    """Whether one of two paths is part of the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def concerns(override: str, path: str) -> bool:
    """Whether an override of the one path decides about a value at the other."""
    if override == MODE:
        steps = path.split(".")
        return steps[0] == "resources" and steps[-1] == "observe"
    return overlap(override, path)


def node_of(value: JsonValue) -> Node:
    """A plain value as a document that stands nowhere."""
    if isinstance(value, dict):
        return Node({key: node_of(entry) for key, entry in value.items()}, 0, 0, 0, 0)
    if isinstance(value, list):
        return Node([node_of(entry) for entry in value], 0, 0, 0, 0)
    return Node(value, 0, 0, 0, 0)


def _resources(table: Table) -> tuple[str, ...]:
    part = find(table, ("resources",))
    return tuple(sorted(name for name, entry in part.entries.items() if entry.live)) if isinstance(part, Table) else ()


def _mode(value: JsonValue, ids: Sequence[str]) -> JsonValue:
    return {"resources": {name: {"observe": value == "observe"} for name in ids}}


def _at(steps: Sequence[str], value: JsonValue) -> JsonValue:
    for step in reversed(steps):
        value = {step: value}
    return value
