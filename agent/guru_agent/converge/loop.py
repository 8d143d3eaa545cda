"""When the agent converges: at its start, for a new desired state, and on an interval against drift.

One run at a time; a run is over when its report is in the spool, in one transaction with the journal.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable
from typing import Literal, NamedTuple

from guru_agent.clock import Clock
from guru_agent.converge.report import bounded, changes, converged, encoded, sameness, standing
from guru_agent.converge.retry import Retry
from guru_agent.converge.round import Doer, Round
from guru_agent.converge.windows import Blocked, Windows
from guru_agent.logs import say
from guru_agent.state.desired import Accepted, Desired
from guru_agent.state.journal import Journal
from guru_agent.state.spool import Spool
from guru_agent.state.store import Store, StoreFull
from guru_policy.host import Host
from guru_wire.uplink import Report, ResourceOutcome

LOG = logging.getLogger(__name__)
Cause = Literal["manifest", "interval", "start", "request"]
SHORTEST = 1                            # seconds between two rounds at least
MOST_APART = 30.0                       # seconds by which devices of one window begin apart, at most
A_MOMENT = 0.05                         # seconds after a window's end, so that it is over by any rounding


class Machine(NamedTuple):
    """What a run looks at and works with."""

    host: Host
    doer: Doer


class Converger:
    """Brings the machine to the accepted state. `on_change` hears of every run that changed something."""

    def __init__(
        self, store: Store, spool: Spool, desired: Desired, machine: Machine, clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._store, self._spool, self._desired = store, spool, desired
        self._machine, self._clock, self._on_change = machine, clock, on_change
        self._journal = Journal(store)
        self._retry = Retry(self._journal, clock)
        self._blocked: Blocked | None = None

    async def run(self) -> None:
        """Converge again and again until cancelled."""
        cause: Cause = "start"
        while True:
            version = self._desired.version
            accepted = self._desired.current
            if accepted is not None:
                await self.once(accepted, cause)
            try:
                async with asyncio.timeout(self._pause()):
                    await self._desired.after(version)
                cause = "manifest"
                self._retry.new_state()
            except TimeoutError:
                cause = "interval"

    async def once(self, accepted: Accepted, cause: Cause) -> Report:
        """One run; its report goes into the spool when it is news."""
        started = self._clock.now()
        self._journal.forget_others(frozenset(one.id for one in accepted.bundle.resources))
        machine, windows = self._machine, Windows(accepted.bundle.windows, self._clock)
        turn = Round(accepted.bundle, machine.host, machine.doer, self._journal, self._retry, windows)
        resources = bounded(await turn.run())
        self._blocked = blocked = windows.open()
        report = Report(
            run=secrets.token_hex(16), serial=accepted.manifest.serial, revision=accepted.manifest.revision,
            bundle=accepted.manifest.bundle, started_at=started, finished_at=max(started, self._clock.now()),
            cause=cause, converged=converged(resources) and not turn.waits, resources=resources,
            blocked=blocked.names if blocked else (), blocked_until=blocked.until if blocked else None,
        )
        self._conclude(report)
        return report

    def _pause(self) -> float:
        """Seconds until the next run: the interval, or when the window closes that stands in the way.

        Many devices share a window: they begin a little apart.
        """
        interval = float(max(SHORTEST, self._desired.settings.converge))
        if self._blocked is None or self._blocked.until is None:
            return interval
        apart = random.uniform(0, min(MOST_APART, interval / 10))    # noqa: S311 - spreads load, hides nothing
        return min(interval, max(0.0, (self._blocked.until - self._clock.now()) / 1000) + apart + A_MOMENT)

    def _conclude(self, report: Report) -> None:
        stands = standing(report)
        news = changes(report) or stands != self._store.fact("standing")
        summary = {outcome.value: 0 for outcome in ResourceOutcome}
        for one in report.resources:
            summary[one.outcome.value] += 1
        try:
            with self._store.transaction():
                self._store.keep("last_run", _brief(report))
                if news:
                    self._spool.add_result("report", encoded(report), same=sameness(report), subject="report")
                    self._store.keep("standing", stands)
                self._journal.reported()
        except StoreFull as full:
            say(LOG, "the report waits", logging.ERROR, reason=full.message)
            return
        if news:
            counts = {name: count for name, count in summary.items() if count}
            say(LOG, "converged" if report.converged else "not converged", cause=report.cause,
                serial=report.serial, **counts)
        if changes(report):
            self._on_change()


def _brief(report: Report) -> str:
    return report.model_copy(update={
        "resources": tuple(one for one in report.resources if one.outcome is not ResourceOutcome.same)[:50]
    }).model_dump_json()
