"""Devices of a plan that get the same, side by side, and their changes item by item. Pure; draws nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gurucli.answers import DeviceChange, FieldChange
from gurucli.clean import clean

NAMED = 3                               # names of one place that are told one by one


@dataclass(frozen=True, slots=True)
class Group:
    """Devices, in natural order of place and name, whose fields change in the same way."""

    devices: tuple[DeviceChange, ...]
    fields: tuple[FieldChange, ...]

    def places(self) -> list[tuple[str, list[DeviceChange]]]:
        """`customer/site` and the devices there, in order."""
        found: dict[str, list[DeviceChange]] = {}
        for device in self.devices:
            found.setdefault(f"{clean(device['customer'])}/{clean(device['site'])}", []).append(device)
        return list(found.items())


@dataclass(frozen=True, slots=True)
class Item:
    """A check, a resource or the agent's settings: made, taken away, or changed in some fields."""

    action: Literal["create", "delete", "change"]
    name: str
    fields: tuple[FieldChange, ...]


def grouped(devices: Iterable[DeviceChange]) -> list[Group]:
    """The groups, in the order of their first device."""
    by_fields: dict[str, list[DeviceChange]] = {}
    for device in sorted(devices, key=lambda one: (one["customer"], one["site"], natural(one["name"]))):
        by_fields.setdefault(repr(device["fields"]), []).append(device)
    return [Group(tuple(found), tuple(found[0]["fields"])) for found in by_fields.values()]


def items(fields: Sequence[FieldChange], *, everything: bool = False) -> list[Item]:
    """The changes by what they change. Defaults of a new item that nobody wrote are left out."""
    by_name: dict[str, list[FieldChange]] = {}
    for field in fields:
        steps = field["path"].split(".")
        by_name.setdefault(".".join(steps[:2]) if steps[0] in ("checks", "resources") else steps[0], []).append(field)
    return [_item(name, found, everything) for name, found in by_name.items()]


def _item(name: str, fields: Sequence[FieldChange], everything: bool) -> Item:
    kind = next((field for field in fields if field["path"] == f"{name}.kind"), None)
    ordered = sorted(fields, key=lambda field: field is not kind)
    if kind and kind["to_absent"] and all(field["to_absent"] for field in fields):
        return Item("delete", name, tuple(ordered))
    made = bool(kind and kind["from_absent"] and all(field["from_absent"] for field in fields))
    shown = [field for field in ordered if everything or not (field["from_absent"] and field["default"])]
    return Item("create" if made else "change", name, tuple(shown))


def names(devices: Sequence[DeviceChange], ellipsis: str) -> str:
    """`web01, web02`, or the first and the last of many."""
    words = [clean(device["name"]) for device in devices]
    return ", ".join(words) if len(words) <= NAMED else f"{words[0]} {ellipsis} {words[-1]}"


def standing(devices: Sequence[DeviceChange]) -> tuple[str, bool]:
    """`online`, `offline` or `3 offline`, and whether all are online."""
    away = sum(not device["online"] for device in devices)
    if away and len(devices) > 1:
        return ("all offline" if away == len(devices) else f"{away:,} offline"), False
    return ("offline", False) if away else ("online", True)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that puts birch-2 before birch-10."""
    return tuple(
        (1, int(part[:18]), part) if part.isascii() and part.isdigit() else (0, 0, part)
        for part in re.findall(r"[0-9]+|[^0-9]+", name)
    )
