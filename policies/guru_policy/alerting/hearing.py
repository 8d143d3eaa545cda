"""What the server takes a check to be, over the readings of a series. Times are ms since the start."""

from __future__ import annotations

from typing import NamedTuple

from guru_policy.alerting.episode import STALE_MS, Reading
from guru_policy.series import parse_series
from guru_policy.verdict import State


class Heard(NamedTuple):
    """From this time on the server takes the check to be so."""

    at: int
    reading: Reading


def heard_of(series: str, every: int) -> tuple[Heard, ...]:
    """What the server makes of a series with a reading each `every` ms; only what changes something.

    Without a reading the last one stands, until it is as old as the server's limit; then the check is `unknown`.
    """
    found: list[Heard] = []
    fresh = 0                           # until when the last reading stands
    last: Heard | None = None
    at = 0
    for reading in parse_series(series):
        if reading is not None:
            if last is not None and fresh < at:
                found.append(_gone(fresh))
            same = last is not None and last.reading.state is reading.state
            if last is None or not same or fresh < at:
                since = last.reading.since if last is not None and same else at
                last = Heard(at, Reading(reading.state, since))
                found.append(last)
            fresh = at + max(every, STALE_MS)
        at += every
    if last is not None:
        found.append(_gone(fresh))
    return tuple(found)


def _gone(fresh: int) -> Heard:
    return Heard(fresh + 1, Reading(State.unknown, fresh + 1))
