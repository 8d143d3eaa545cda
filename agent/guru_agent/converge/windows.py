"""The maintenance windows of a bundle, in which nothing may be changed. It only tells which are open.

They come with the bundle, so that they hold with the server out of reach.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfoNotFoundError

from cronsim import CronSimError

from guru_agent.clock import Clock
from guru_agent.logs import say
from guru_policy.bundle import PlacedWindow
from guru_policy.opening import Calendar, Times

LOG = logging.getLogger(__name__)


class Blocked(NamedTuple):
    """The windows that are open, and when the last of them closes (ms UTC)."""

    names: tuple[str, ...]
    until: int | None


class Windows:
    """Asked before every change. Empty windows cost nothing."""

    def __init__(self, placed: Sequence[PlacedWindow], clock: Clock) -> None:
        self._clock, self._calendar = clock, Calendar()
        self._times = {one.id: Times(one.cron, one.start, one.duration, one.zone) for one in placed}

    def open(self) -> Blocked | None:
        """What blocks changes now; None while nothing does."""
        now = self._clock.now()
        found: dict[str, int | None] = {}
        for name, times in list(self._times.items()):
            try:
                span = self._calendar.at(times, now)
            except (ZoneInfoNotFoundError, CronSimError, ValueError) as cause:
                del self._times[name]   # of a newer language: a window nobody can read must not stop a device for ever
                say(LOG, "a maintenance window cannot be read", logging.ERROR, window=name, reason=str(cause))
                continue
            if span.open:
                found[name] = span.until
        closes = [until for until in found.values() if until is not None]
        return Blocked(tuple(found), max(closes, default=None)) if found else None
