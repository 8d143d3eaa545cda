"""GuruRMM for programs: one server, typed calls, errors as exceptions. It reads no settings and prints nothing.

    from gurucli.sdk import Guru

    with Guru("https://guru.example.com", key, ca=pem) as guru:
        for device in guru.devices("@acme,os=linux"):
            print(device["name"], device["state"])

Every method raises a GuruError: `code` is what the server's problem said, such as G0404, and `hint` what to do.
A change is sent with an idempotency key, so a lost answer is asked for again and nothing is done twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Literal, cast

from guru_policy.errors import (
    Conflict,
    DeadlinePassed,
    GuruError,
    InputInvalid,
    NotFound,
    NotSignedIn,
    Refused,
    Unreachable,
)
from gurucli.answers import DeviceDetail, DeviceRow, Json, LabelsChanged, WhoAmI
from gurucli.answers_alerting import AlertDetail, AlertRow
from gurucli.answers_events import Event
from gurucli.answers_jobs import JobCancelled, JobDetail, JobMade, JobProgress, JobRow
from gurucli.client import Client, part
from gurucli.streaming import Stream, Wanted

__all__ = [
    "Conflict", "DeadlinePassed", "Guru", "GuruError", "InputInvalid", "NotFound", "NotSignedIn", "Refused",
    "Unreachable",
]

WAIT = 20.0                             # seconds that the server may hold an answer about progress back


class Guru:
    """One server and one token or key; `ca` is its authority as PEM, the system's roots when empty."""

    def __init__(self, url: str, token: str, *, ca: str = "", timeout: float = 30.0) -> None:
        self._client, self._timeout = Client(url, token, ca=ca, timeout=timeout), timeout

    def __enter__(self) -> Guru:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def whoami(self) -> WhoAmI:
        """Who the token is, and what it may do where."""
        return self._client.get(WhoAmI, "/whoami")

    def devices(self, selector: str = "", *, state: str = "", limit: int = 0) -> Iterator[DeviceRow]:
        """The devices that match, page after page, or the first `limit` of them."""
        return self._client.devices(selector, state=state, limit=limit)

    def device(self, ref: str) -> DeviceDetail:
        """One device by id, name or customer/site/name; NotFound when nothing that you may see has it."""
        return self._client.get(DeviceDetail, f"/devices/{part(ref)}")

    def label(
        self, selector: str, labels: Mapping[str, str] | None = None, *, remove: tuple[str, ...] = (),
        max_devices: int = 1,
    ) -> tuple[str, ...]:
        """Set and remove op/ labels of all devices that match, or of none; the ids of those that changed."""
        body = {"selector": selector, "set": dict(labels or {}), "remove": list(remove), "max_devices": max_devices}
        return tuple(self._client.post(LabelsChanged, "/devices/labels", body)["devices"])

    def alerts(
        self, state: Literal["", "pending", "firing", "resolved", "all"] = "", *, limit: int = 0
    ) -> Iterator[AlertRow]:
        """Alerts, the newest first; without a state those that have not ended."""
        for page in self._client.pages("/alerts", limit=limit, state=state):
            yield from cast("list[AlertRow]", page["items"])

    def acknowledge(self, alert: str, note: str = "") -> AlertDetail:
        """Take an alert up."""
        return self._client.post(AlertDetail, f"/alerts/{part(alert)}/acknowledgement", {"note": note})

    def jobs(self, *, limit: int = 50) -> Iterator[JobRow]:
        """The newest jobs."""
        for page in self._client.pages("/jobs", limit=limit):
            yield from cast("list[JobRow]", page["items"])

    def job(self, ref: str) -> JobDetail:
        """A job with every run."""
        return self._client.get(JobDetail, f"/jobs/{part(ref)}")

    def start(self, body: Mapping[str, object]) -> JobMade:
        """A new job, as POST /jobs takes it (docs/api/README.md)."""
        return self._client.post(JobMade, "/jobs", body)

    def cancel(self, job: str) -> JobCancelled:
        """End what runs of a job, and let nothing of it begin."""
        return self._client.post(JobCancelled, f"/jobs/{part(job)}/cancel", {})

    def progress(self, job: str, *, timeout: float = 300.0) -> Iterator[JobProgress]:
        """What changed, as it does, until the job is done; DeadlinePassed when that takes longer."""
        until, after = time.monotonic() + timeout, 0
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise DeadlinePassed("the job did not end in time", hint="it goes on: ask again later, or cancel it")
            news = self._client.get(JobProgress, f"/jobs/{part(job)}/progress", after=after, wait=min(WAIT, left))
            after = news["next"]
            yield news
            if news["done"]:
                return

    def events(
        self, types: str = "", *, selector: str = "", after: str = "", timeout: float = 0.0
    ) -> Iterator[Event]:
        """What happens, as it does, from now on or from the cursor `after` (an event's `sequence`); it never ends.

        With a `timeout` it ends once so many seconds brought nothing.
        """
        wanted = Wanted(types, selector, after or "newest")
        yield from Stream(self._client, wanted, patience=self._timeout).followed(timeout)

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None, **query: object) -> Json:
        """Any other operation of the API: the path below /api/v1, and the decoded answer."""
        return self._client.call(method, path, query=query, body=body)
