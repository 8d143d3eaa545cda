"""Answers about what devices have, as the server sends them. No logic."""

from __future__ import annotations

from typing import TypedDict

from gurucli.answers import Answer


class InventoryTable(TypedDict):
    """One table of a device."""

    table: str
    at: int
    rows: int
    cut: bool
    stale: bool


class DeviceInventory(Answer):
    """Every table that a device told of."""

    device: str
    tables: list[InventoryTable]


class ChangedRow(TypedDict):
    """Something that came, went or changed."""

    at: int
    table: str
    change: str
    name: str
    before: dict[str, str | int | float] | None
    after: dict[str, str | int | float] | None
