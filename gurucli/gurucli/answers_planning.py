"""The parts of a plan, and drift, as plain rows: the shapes of guru_wire without its models. A test holds them."""

from __future__ import annotations

from typing import TypedDict

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Impact(TypedDict):
    """Devices of one customer, site or group that a plan changes, and how many of them are offline."""

    by: str
    name: str
    devices: int
    offline: int


class FieldChange(TypedDict):
    """One leaf that a plan changes."""

    path: str
    before: Json
    after: Json
    from_absent: bool
    to_absent: bool
    why: str
    default: bool


class OverrideRow(TypedDict):
    """One path of one device that somebody overrides, or overrode."""

    id: str
    device: str
    name: str
    customer: str
    site: str
    path: str
    value: Json
    actor: str
    reason: str
    set_at: int
    expires_at: int
    ended_at: int | None
    ending: str
    unfit: str


class PlannedOverride(OverrideRow):
    """An override in force while a plan is made; `masks` is what it hides of the change."""

    affected: bool
    masks: list[FieldChange]


class DriftRow(TypedDict):
    """A resource that differed without anybody having wanted it."""

    device: str
    name: str
    customer: str
    site: str
    resource: str
    kind: str
    change: str
    outcome: str
    open: bool
    at: int
    times: int
    steps: list[str]
    message: str


class Drift(TypedDict):
    """The rows since a moment (ms UTC), open ones first."""

    apiVersion: str
    items: list[DriftRow]
    total: int
    since: int
    overrides: list[OverrideRow]


class ExactPlan(TypedDict):
    """What `guru apply` holds the server to."""

    format_version: str
    base: str | None
    target: str
    fleet: str
    outcome: str
    devices: dict[str, list[str | None]]
