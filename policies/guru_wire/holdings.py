"""What the API tells of the inventory: tables of a device, what changed, who has which software. Times are ms UTC."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.model import Carried
from guru_wire.operator import Answer

Cell = str | int | float


class InventoryTable(Carried):
    """One table of a device: when the device looked, and how many rows it told."""

    table: str
    at: int
    rows: int
    cut: bool                           # the device has more rows than it tells
    stale: bool                         # something was lost on the way: it is asked for all of it with the next link


class DeviceInventory(Answer):
    """Every table that a device told of."""

    device: str
    tables: tuple[InventoryTable, ...]


class HeldRow(Carried):
    """One row of a table; `since`: when it came or last changed, None when it was there from the beginning."""

    row: dict[str, Cell] = Field(examples=[{"name": "openssl", "version": "3.0.15-1", "arch": "amd64"}])
    since: int | None


class ChangedRow(Carried):
    """One change: `before` None when it came, `after` None when it went."""

    at: int
    table: str
    change: Literal["added", "removed", "changed"]
    name: str                           # what it is about, such as a package's name
    before: dict[str, Cell] | None = Field(examples=[{"name": "openssl", "version": "3.0.14-1"}])
    after: dict[str, Cell] | None = Field(examples=[{"name": "openssl", "version": "3.0.15-1"}])


class SoftwareRow(Carried):
    """One version of a package, and how many of the devices in question have it."""

    name: str
    version: str
    manager: str
    devices: int


class SoftwareHolder(Carried):
    """A device that has a package, in which version and since when (None: from the beginning)."""

    id: str
    name: str
    customer: str
    site: str
    package: str
    version: str
    arch: str
    manager: str
    since: int | None


class PendingUpdates(Carried):
    """What a device could update by its own lists; `names` are some of them, those of security first."""

    id: str
    name: str
    customer: str
    site: str
    updates: int
    security: int
    names: tuple[str, ...]
    at: int


class FoundDevice(Carried):
    """A device in which the text was found: in which field, and what stands there."""

    id: str
    name: str
    customer: str
    site: str
    field: str = Field(examples=["mac"])
    value: str = Field(examples=["52:54:00:12:34:56"])
