"""The parts of a plan, and drift, as plain rows: the shapes of guru_wire without its models. A test holds them."""

from __future__ import annotations

from typing import TypedDict


class Impact(TypedDict):
    """Devices of one customer, site or group that a plan changes, and how many of them are offline."""

    by: str
    name: str
    devices: int
    offline: int


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


class ExactPlan(TypedDict):
    """What `guru apply` holds the server to."""

    format_version: str
    base: str | None
    target: str
    fleet: str
    outcome: str
    devices: dict[str, list[str | None]]
