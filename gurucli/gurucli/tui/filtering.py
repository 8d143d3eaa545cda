"""The filter line: selectors as `-l` takes them, or plain words that are looked for. Pure; it asks nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from guru_policy.conditions import Subject
from guru_policy.inventory import Place
from guru_policy.selector import parse
from gurucli.answers import DeviceRow
from gurucli.sheet import Row, plain

_GRAMMAR = re.compile(r"[=!<>@(]")
Claim = Callable[[Row], bool]


def claim_of(text: str, devices: Mapping[str, DeviceRow]) -> Claim:
    """What decides which rows stay. `devices` are all devices by id.

    Text with an operator of the selector grammar is a selector of the row's device; rows without a device do not
    match it. Other text is words, all of which must occur in what the row shows. InputInvalid for a selector that
    is none, with its column.
    """
    if not text.strip():
        return lambda row: True
    if not _GRAMMAR.search(text):
        words = text.lower().split()
        return lambda row: all(word in _said(row) for word in words)
    selector = parse(text)

    def selected(row: Row) -> bool:
        device = devices.get(plain(row.get("device") or row.get("id")))
        return device is not None and selector.accepts(Subject(
            device["labels"], Place(device["customer"], device["site"]), device["name"], device["id"]))

    return selected


def kept(rows: Sequence[Row], claim: Claim) -> list[Row]:
    """The rows that stay, in their order."""
    return [row for row in rows if claim(row)]


_LOOKED_AT = ("name", "device_name", "customer", "site", "state", "os", "summary", "what", "text", "target", "actor",
              "check", "severity", "id")


def _said(row: Row) -> str:
    return " ".join(plain(row.get(key)) for key in _LOOKED_AT).lower()
