"""All that the screen shows, asked of the server in one go. It runs in a thread and touches no widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from gurucli import triage
from gurucli.answers import DeviceRow, Page, Status
from gurucli.answers_alerting import AlertRow
from gurucli.answers_jobs import JobRow
from gurucli.answers_planning import Drift
from gurucli.client import Client
from gurucli.sheet import Row

DAY = 86_400
JOBS = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the fleet. Rows are as the lists of the verbs have them."""

    status: Status
    devices: list[DeviceRow]
    alerts: list[AlertRow]
    jobs: list[JobRow]
    triage: list[triage.Line]
    by_id: dict[str, DeviceRow] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, list[Row]]:
        """The rows of each tab."""
        return {
            "triage": cast("list[Row]", self.triage), "devices": cast("list[Row]", self.devices),
            "alerts": cast("list[Row]", self.alerts), "jobs": cast("list[Row]", self.jobs),
        }


def look(server: Client, now: float) -> Seen:
    """Ask for everything; raises what the client raises. `now` is in seconds."""
    since = int((now - DAY) * 1000)
    status = server.get(Status, "/status")
    devices = list(server.devices())
    alerts = [cast("AlertRow", row) for page in server.pages("/alerts", state="firing") for row in page["items"]]
    jobs = cast("Page[JobRow]", server.get(Page, "/jobs", limit=JOBS))["items"]
    drift = server.get(Drift, "/drift", since=since)
    away = [one for one in devices if one["state"] == "Unknown"]
    lines = triage.lines(triage.Found(status, alerts, jobs, away, drift), since)
    return Seen(status, devices, alerts, jobs, lines, {one["id"]: one for one in devices})
