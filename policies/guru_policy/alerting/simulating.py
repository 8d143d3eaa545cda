"""An alert rule over readings at known times: what the server's sweep would find, and when. It reads no clock.

Times are ms since the start. The server looks when a verdict comes and every few seconds besides; here a look comes at
the very moment at which something changes, so that a claim is about the rule and not about the pace of the sweep.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from guru_policy.alerting.episode import STALE_MS, Episode, Phase, Reading, Timing, due, event_of, follow
from guru_policy.series import parse_series
from guru_policy.verdict import State

AlertState = Literal["inactive", "pending", "firing", "resolved"]


class Heard(NamedTuple):
    """From this time on the server takes the check to be so."""

    at: int
    reading: Reading


class Change(NamedTuple):
    """From this time on the alert is in this state. `told`: somebody was told of a beginning by now."""

    at: int
    state: AlertState
    told: bool


@dataclass(frozen=True)
class History:
    """An alert over time; before its first change it is inactive."""

    changes: tuple[Change, ...]

    def at(self, time: int) -> Change:
        """The newest change up to this time, with that time included."""
        index = bisect_right(self.changes, time, key=lambda change: change.at)
        return self.changes[index - 1] if index else Change(0, "inactive", False)


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


def history_of(timing: Timing, heard: Sequence[Heard], until: int) -> History:
    """What becomes of one rule's alert about one check, up to and with `until`."""
    changes: list[Change] = []
    episode: Episode | None = None
    ended = told = False
    for index, one in enumerate(heard):
        end = heard[index + 1].at if index + 1 < len(heard) else until + 1
        now: int | None = one.at
        while now is not None and now < min(end, until + 1):
            after = follow(timing, episode, one.reading, now)
            event = event_of(episode, after)
            told, ended = told or event == "firing", ended or event == "resolved"
            state: AlertState = after.phase.value if after is not None else "resolved" if ended else "inactive"
            if state != (changes[-1].state if changes else "inactive"):
                changes.append(Change(now, state, told))
            episode = None if after is not None and after.phase is Phase.resolved else after
            later = None if one.reading.state is State.unknown else due(timing, episode)
            now = later if later is not None and later > now else None
    return History(tuple(changes))


def _gone(fresh: int) -> Heard:
    return Heard(fresh + 1, Reading(State.unknown, fresh + 1))
