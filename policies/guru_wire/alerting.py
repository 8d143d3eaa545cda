"""Alerts and their notifications as people ask for them under /api/v1. Times are ms UTC; fields only grow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.model import Asked, Carried
from guru_policy.verdict import State
from guru_wire.operator import Answer


class AlertRow(Carried):
    """One alert. `muted_by` names the windows that are open over it, `acked_by` who has taken it up now."""

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
    reason: str = ""                    # why it ended, when the check did not get better
    muted_by: tuple[str, ...] = ()
    acked_by: str = ""
    acked_at: int | None = None
    acked_until: int | None = None      # None: until it ends
    ack_note: str = ""


class AlertMoment(Carried):
    """One line of an alert's timeline. `who` are the people and channels, or the windows, that it is about."""

    at: int
    event: Literal["began", "fired", "told", "muted", "unmuted", "acknowledged", "unacknowledged", "resolved"]
    who: tuple[str, ...] = ()
    text: str = ""                      # a step and its round, a note, a reason


class NotificationRow(Carried):
    """One alert's beginning or end on its way to one channel or person; `error` is of the last try."""

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
    step: str = ""                      # of an escalation, as org/round-the-clock/desk; empty: by the rule
    round: int = 0                      # how often the steps had begun again


class AlertDetail(AlertRow, Answer):
    """`guru alert show`: the alert, its timeline in the order of time, and how far each note is."""

    timeline: tuple[AlertMoment, ...] = ()
    notes: tuple[NotificationRow, ...] = ()


class AckRequest(Asked):
    """Take an alert up. `seconds` is how long; None: until it ends."""

    seconds: int | None = Field(default=None, ge=60, le=30 * 86_400)
    note: str = Field(default="", max_length=500)


class MaintenanceRequest(Asked):
    """Have nobody told of the alerts of these devices for a while."""

    selector: str = Field(min_length=1, max_length=2000)
    seconds: int = Field(ge=60, le=7 * 86_400)
    reason: str = Field(min_length=1, max_length=500)


class MaintenanceRow(Carried):
    """An ad-hoc window, held by the server until `ends_at`; `ended_at` is set when somebody ended it sooner."""

    id: str
    selector: str
    reason: str
    started_by: str
    started_at: int
    ends_at: int
    ended_at: int | None = None
    ended_by: str = ""
    open: bool


class MaintenanceStarted(Answer):
    """The window that was opened, and how many devices it is about now."""

    row: MaintenanceRow
    devices: int
