"""When a resource that failed is tried again: later each time, at most an hour apart.

A new desired state is tried at once. It counts; it carries nothing out.
"""

from __future__ import annotations

from guru_agent.clock import Clock
from guru_agent.state.journal import Failures, Journal

LONGEST = 3600.0                        # seconds
SLACK = 0.9                             # a round that begins a little early is not a round missed


class Retry:
    """The failures of resources, across restarts. Waits are measured with a clock that nobody can set."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        self._failures = journal.failures()
        self._tried = {name: self._then(failures) for name, failures in self._failures.items()}

    def waits(self, resource: str, spec: str, interval: float) -> Failures | None:
        """The failure on whose account the resource waits; None when it may be tried now."""
        failures = self._failures.get(resource)
        if failures is None or failures.spec != spec:
            return None
        since = self._clock.monotonic() - self._tried[resource]
        return failures if since < wait(failures.times, interval) else None

    def failed(self, resource: str, spec: str, message: str) -> None:
        """Count a failure."""
        before = self._failures.get(resource)
        count = before.times + 1 if before and before.spec == spec else 1
        failures = Failures(spec, count, self._clock.now(), message)
        self._failures[resource] = failures
        self._tried[resource] = self._clock.monotonic()
        self._journal.fail(resource, failures)

    def succeeded(self, resource: str) -> None:
        """Forget the failures of a resource that stands as it should (the journal forgets with `settle`)."""
        self._failures.pop(resource, None)

    def new_state(self) -> None:
        """The desired state changed: everything may be tried at once."""
        if self._failures:
            self._failures.clear()
            self._journal.retry_all()

    def _then(self, failures: Failures) -> float:
        """The moment of a try before the program started, in monotonic seconds; set back means now."""
        ago = max(0, self._clock.now() - failures.tried_at) / 1000
        return self._clock.monotonic() - ago


def wait(count: int, interval: float) -> float:
    """Seconds until the next try after `count` failures in a row: each round, each second one, ..."""
    return min(LONGEST, max(interval, 1.0) * 2.0 ** min(count - 1, 12)) * SLACK
