"""Alerts and their notifications as people ask for them under /api/v1. Times are ms UTC; fields only grow."""

from __future__ import annotations

from typing import Literal

from guru_policy.model import Carried
from guru_policy.verdict import State


class AlertRow(Carried):
    """One alert of the thin path."""

    id: str
    rule: str
    device: str
    device_name: str
    customer: str
    site: str
    check: str
    state: Literal["pending", "firing", "resolved"]
    check_state: State
    severity: str
    summary: str
    started_at: int
    fired_at: int | None
    resolved_at: int | None


class NotificationRow(Carried):
    """One alert's beginning or end on its way to one channel; `error` is of the last try."""

    id: str
    alert: str
    customer: str
    channel: str
    event: Literal["firing", "resolved"]
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    created_at: int
    finished_at: int | None
    error: str = ""
