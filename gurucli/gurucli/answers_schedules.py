"""Answers about schedules, as the server sends them. No logic."""

from __future__ import annotations

from typing import TypedDict


class ScheduleRow(TypedDict):
    """A Schedule in force."""

    name: str
    scope: str
    cron: str
    timezone: str
    jitter: int
    missed: str
    template: str
    selector: str
    revision: str


class ScheduledRun(TypedDict):
    """A run of a schedule, as its device told it."""

    run: str
    id: str
    name: str
    customer: str
    site: str
    schedule: str
    template: str
    due: int
    state: str
    reason: str
    started_at: int | None
    finished_at: int | None
    duration: int | None
    exit_code: int | None
    signal: int | None
    printed: int
    out: str
    err: str


class ScheduledRunEnding(TypedDict):
    """A run that its device is told to end."""

    apiVersion: str
    run: str
    id: str
    name: str
    schedule: str
    due: int
