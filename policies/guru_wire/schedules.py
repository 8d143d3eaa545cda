"""What the API tells of schedules and of the runs that devices made by them. Times are ms UTC."""

from __future__ import annotations

from guru_policy.model import Carried
from guru_wire.operator import Answer
from guru_wire.running import State


class ScheduleRow(Carried):
    """A Schedule in force. `jitter` is in seconds; `timezone` is `device` for that of each device."""

    name: str
    scope: str
    cron: str
    timezone: str
    jitter: int
    missed: str
    template: str
    selector: str
    revision: str


class ScheduledRun(Carried):
    """A run of a schedule, as its device told it; `due` is the time that it was for.

    `out` and `err` are what is kept of what it printed, as text; `printed` counts the bytes that there were.
    """

    run: str
    id: str                             # of the device
    name: str
    customer: str
    site: str
    schedule: str
    template: str
    due: int
    state: State
    reason: str
    started_at: int | None
    finished_at: int | None
    duration: int | None                # ms
    exit_code: int | None
    signal: int | None
    printed: int
    out: str
    err: str


class ScheduledRunEnding(Answer):
    """A run that its device is told to end; how it ended stands in the runs, once the device has told."""

    run: str
    id: str                             # of the device
    name: str
    schedule: str
    due: int
