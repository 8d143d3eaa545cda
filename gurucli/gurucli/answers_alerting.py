"""Alerts, their notes and windows opened by hand as plain rows: the shapes of guru_wire.alerting without its models.

A test holds each class against its model.
"""

from __future__ import annotations

from typing import TypedDict

from gurucli.answers import Answer


class AlertRow(TypedDict):
    """One alert."""

    id: str
    rule: str
    device: str
    device_name: str
    customer: str
    site: str
    check: str
    state: str
    check_state: str
    severity: str
    summary: str
    started_at: int
    fired_at: int | None
    resolved_at: int | None
    reason: str
    muted_by: list[str]
    acked_by: str
    acked_at: int | None
    acked_until: int | None
    ack_note: str


class AlertMoment(TypedDict):
    """One line of an alert's timeline."""

    at: int
    event: str
    who: list[str]
    text: str


class NotificationRow(TypedDict):
    """A note on its way to a channel or a person."""

    id: str
    alert: str
    customer: str
    channel: str
    event: str
    state: str
    attempts: int
    created_at: int
    finished_at: int | None
    error: str
    step: str
    round: int


class AlertDetail(AlertRow, Answer):
    """One alert with its timeline and notes."""

    timeline: list[AlertMoment]
    notes: list[NotificationRow]


class MaintenanceRow(TypedDict):
    """A window opened by hand."""

    id: str
    selector: str
    reason: str
    started_by: str
    started_at: int
    ends_at: int
    ended_at: int | None
    ended_by: str
    open: bool


class MaintenanceStarted(Answer):
    """The window that was opened."""

    row: MaintenanceRow
    devices: int
