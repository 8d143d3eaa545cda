"""When the schedules of the verified bundle are due, in the device's zone, and hands what is due to the runner.

It asks no server: what is in the bundle holds with the network away. It runs nothing itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Literal
from zoneinfo import ZoneInfoNotFoundError

from cronsim import CronSimError

from guru_agent.clock import Clock
from guru_agent.jobs.runner import Jobs
from guru_agent.logs import plain, say
from guru_agent.state.blobs import Blobs
from guru_agent.state.desired import Desired
from guru_agent.state.schedules import Schedules
from guru_agent.state.store import StoreFull
from guru_policy.bundle import PlacedSchedule
from guru_policy.errors import GuruError
from guru_policy.opening import Calendar, Times
from guru_wire.orders import Command, Inside, Order
from guru_wire.running import PIECE, OfSchedule, Run

LOG = logging.getLogger(__name__)
LOOK = 20.0                             # seconds between two looks at the clock: it may jump
SHORTEST = 0.2
PUNCTUAL_MS = 120_000                   # a run that begins by then was not missed
WAIT_MS = 3_600_000                     # how long a run may wait for its turn
SET_BACK_MS = 24 * 3_600_000            # a clock that went back further than this begins anew
MOST_OUTPUT = PIECE                     # bytes kept of one run: they travel with its end

Deed = Literal["nothing", "run", "missed"]


def decide(schedule: PlacedSchedule, due: int | None, seen: int, now: int) -> Deed:
    """What to do about the newest time that the schedule was due. `now` is without the device's jitter; ms UTC."""
    if due is None or due <= seen:
        return "nothing"
    punctual = now - due <= PUNCTUAL_MS
    return "run" if punctual or schedule.missed == "once" else "missed"


def jitter_of(device: str, schedule: PlacedSchedule) -> int:
    """The device's own part of the schedule's jitter, always the same: ms."""
    digest = hashlib.sha256(f"{device}:{schedule.id}".encode()).digest()
    return int.from_bytes(digest[:8]) % (schedule.jitter * 1000 + 1)


class Scheduler:
    """Looks at the clock and hands on what is due."""

    def __init__(
        self, device: str, desired: Desired, blobs: Blobs, known: Schedules, jobs: Jobs, clock: Clock
    ) -> None:
        self._device, self._desired, self._blobs = device, desired, blobs
        self._known, self._jobs, self._clock = known, jobs, clock
        self._calendar, self._version = Calendar(), -1
        self._under_way: dict[str, str] = {}            # schedule to the job of its newest run
        self._unreadable: set[str] = set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            wait = LOOK
            try:
                wait = self.look()
            except StoreFull as full:
                say(LOG, "schedules wait for room on the disk", logging.ERROR, reason=full.message)
            try:
                async with asyncio.timeout(wait):
                    await self._desired.after(self._desired.version)
            except TimeoutError:
                continue

    def look(self) -> float:
        """Hand on what is due now; seconds until the next look."""
        schedules = self._desired.current.bundle.schedules if self._desired.current else ()
        if self._version != self._desired.version:
            self._version, self._calendar, self._unreadable = self._desired.version, Calendar(), set()
            if self._desired.current:
                self._only([one.id for one in schedules])
        waits = [LOOK]
        for schedule in schedules:
            try:
                waits.append(self._look_at(schedule))
            except (ZoneInfoNotFoundError, CronSimError, ValueError) as cause:
                if schedule.id not in self._unreadable:         # of a newer language: the others go on
                    say(LOG, "a schedule cannot be read", logging.ERROR, schedule=schedule.id, reason=str(cause))
                self._unreadable.add(schedule.id)
        return max(SHORTEST, min(waits))

    def _only(self, schedules: Sequence[str]) -> None:
        """What the device has no more begins no more, and what runs of it is ended."""
        for name in self._under_way.keys() - set(schedules):
            self._jobs.end(self._under_way.pop(name))
        self._known.only(schedules)

    def _look_at(self, schedule: PlacedSchedule) -> float:
        """Seconds until it is due again."""
        now = self._clock.now() - jitter_of(self._device, schedule)
        timing = f"{schedule.cron} {schedule.zone}"
        span = self._calendar.at(Times(schedule.cron, None, 1, schedule.zone), now)
        due = span.since if span.open or span.since is None else span.since - 1000      # it closes after a second
        seen = self._known.seen(schedule.id, timing, now)
        if seen > now + SET_BACK_MS:
            self._known.settle(schedule.id, timing, now)
            return LOOK
        deed = decide(schedule, due, seen, now)
        if deed != "nothing" and due is not None:
            self._do(schedule, due, deed)
        return LOOK if span.until is None else (span.until - now) / 1000

    def _do(self, schedule: PlacedSchedule, due: int, deed: Deed) -> None:
        told = OfSchedule(name=schedule.id, template=schedule.template, due=due)
        job = hashlib.sha256(f"{self._device}:{schedule.id}:{due}".encode()).hexdigest()[:32]
        before = self._under_way.get(schedule.id, "")
        if self._jobs.busy(job):
            return
        self._known.expect(job, told)
        if deed == "missed":
            late = "the device was off, asleep or had another time"
            self._jobs.passed(Run(job=job, state="expired", reason=f"it was missed: {late}"))
            return
        if self._jobs.busy(before):
            self._jobs.passed(Run(job=job, state="expired", reason="the run before it was not over"))
            return
        try:
            command = self._command(schedule)
        except (GuruError, ValueError) as error:
            reason = error.message if isinstance(error, GuruError) else "its script is not readable"
            self._jobs.passed(Run(job=job, state="failed", reason=plain(reason, 500)))
            return
        self._under_way[schedule.id] = job
        at = self._clock.now()
        self._jobs.take(Order(job=job, root="", issued_at=at, expires_at=at + WAIT_MS, command=command))

    def _command(self, schedule: PlacedSchedule) -> Command:
        where = schedule.inside or schedule
        script = where.script
        if where.digest is not None:
            script = self._blobs.read(where.digest).decode()
        command = Command(
            shell=schedule.shell, env=schedule.env, secrets=schedule.secrets, run_as=schedule.run_as,
            timeout=schedule.timeout, output=min(schedule.output, MOST_OUTPUT),
        )
        if schedule.inside is None:
            return command.model_copy(update={"script": script, "unless": schedule.unless})
        inside = Inside(sandbox=schedule.inside.sandbox, script=script or "", unless=schedule.inside.unless)
        return command.model_copy(update={"inside": inside})
