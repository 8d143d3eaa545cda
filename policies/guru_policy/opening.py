"""Whether a maintenance window is open at a moment, and until when nothing about that changes. It reads no clock.

Times of day are those of the window's zone; a window lasts as long as it says, however clocks are changed meanwhile.
As Debian's cron has it, a time that does not exist on a day (clocks go forward) is the first one that does, and a time
that exists twice (clocks go back) is the first of the two. Every answer depends on the moment alone: a clock that
jumps finds what is so at its new time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim

_SHIFT = timedelta(hours=3)             # more than clocks are ever changed by
_MOMENT = timedelta(seconds=1)
_CHAINED = 100                          # openings that prolong one another, followed at most


class Times(NamedTuple):
    """When a window opens: `cron` again and again, or `start` once, in `zone`; `duration` in seconds."""

    cron: str | None
    start: str | None
    duration: int
    zone: str


class Span(NamedTuple):
    """From `since` on, and before `until`, the window is `open` or not. ms UTC; None: for ever."""

    open: bool
    since: int | None
    until: int | None

    def holds(self, now: int) -> bool:
        """Whether this moment is in it."""
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)


def span(times: Times, now: int) -> Span:
    """The span that `now` (ms UTC) is in."""
    length = times.duration * 1000
    before = _latest(times, now)
    if before is None or now >= before + length:
        return Span(False, None if before is None else before + length, _following(times, now))
    closes = before + length
    for opening in islice(_from(times, now), _CHAINED):
        if opening > closes:
            break
        closes = max(closes, opening + length)
    return Span(True, before, closes)


class Calendar:
    """Spans of many windows, remembered while they last: a look costs a comparison."""

    def __init__(self) -> None:
        self._known: dict[Times, Span] = {}

    def at(self, times: Times, now: int) -> Span:
        """The span that `now` is in."""
        known = self._known.get(times)
        if known is None or not known.holds(now):
            known = self._known[times] = span(times, now)
        return known


def moment_of(text: str, zone: str) -> int:
    """ms UTC of a local date and time; one that does not exist is as much later as clocks went forward."""
    return _ms(datetime.fromisoformat(text).replace(tzinfo=_zone(zone)))


def _latest(times: Times, now: int) -> int | None:
    """The newest opening up to and with `now`."""
    if times.start is not None:
        opening = moment_of(times.start, times.zone)
        return opening if opening <= now else None
    after = _local(now, times.zone) + _margin(times)
    return next((one for one in _openings(times, after, reverse=True) if one <= now), None)


def _following(times: Times, now: int) -> int | None:
    """The first opening after `now`."""
    return next(_from(times, now), None)


def _from(times: Times, now: int) -> Iterator[int]:
    """The openings after `now`, in the order of time."""
    if times.start is not None:
        opening = moment_of(times.start, times.zone)
        if opening > now:
            yield opening
        return
    before = _local(now, times.zone) - _margin(times)
    yield from (one for one in _openings(times, before, reverse=False) if one > now)


def _margin(times: Times) -> timedelta:
    """How far from a moment to begin. CronSim counts in local time, in which an hour can come twice: it begins well
    before or after, and what is on the wrong side is left out. A cron for any hour is counted in real time.
    """
    minute, hour = (times.cron or "").split()[:2]
    dense = minute.startswith("*") and hour.startswith("*")
    return _MOMENT if dense or times.zone == "UTC" else _SHIFT


def _openings(times: Times, begin: datetime, *, reverse: bool) -> Iterator[int]:
    return map(_ms, CronSim(times.cron or "", begin, reverse=reverse))


def _local(now: int, zone: str) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC).replace(microsecond=0).astimezone(_zone(zone))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
