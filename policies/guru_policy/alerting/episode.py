"""When an alert begins, fires and ends, decided from one verdict at a time. Pure; it never reads a clock.

    (none) --breach--> pending --for: passed--> firing --no breach for keepFiring:--> resolved
                          '--no breach--> (none)    '--breach again: stays firing

A verdict of `unknown` means that nobody could look: it neither begins, fires nor ends anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from guru_policy.verdict import State

Threshold = Literal["warning", "critical"]
Event = Literal["firing", "resolved"]
STALE_MS = 40 * 60_000                  # agents repeat verdicts every 15 minutes: older ones count as unknown
_RANK = {State.ok: 0, State.warning: 1, State.critical: 2}


class Phase(StrEnum):
    """How far an alert is."""

    pending = "pending"
    firing = "firing"
    resolved = "resolved"


@dataclass(frozen=True, slots=True)
class Timing:
    """The part of a rule that decides. Times are ms."""

    threshold: Threshold                # this state or a worse one is a breach
    hold: int = 0                       # `for`: a breach this long before it fires
    keep: int = 0                       # `keepFiring`: this long without a breach before it ends


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its first breach to its end. Times are ms UTC."""

    phase: Phase
    started_at: int
    fired_at: int | None = None
    cleared_at: int | None = None       # firing, and no breach since then
    resolved_at: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A check's state, and since when it is so by the server's clock."""

    state: State
    since: int


def follow(timing: Timing, episode: Episode | None, reading: Reading, now: int) -> Episode | None:
    """The episode after this reading; None when there is none, or when a pending one was dropped.

    A resolved episode is over: give None for it, and the next breach begins a new one.
    """
    if reading.state is State.unknown:
        return episode
    breach = _RANK[reading.state] >= _RANK[State(timing.threshold)]
    since = min(reading.since, now)
    if episode is None or episode.phase is Phase.resolved:
        return _waiting(timing, Episode(Phase.pending, since), since, now) if breach else None
    if episode.phase is Phase.pending:
        return _waiting(timing, episode, since, now) if breach else None
    if breach:
        return replace(episode, cleared_at=None)
    cleared = episode.cleared_at if episode.cleared_at is not None else max(since, episode.started_at)
    if now - cleared >= timing.keep:
        return replace(episode, phase=Phase.resolved, cleared_at=cleared, resolved_at=now)
    return replace(episode, cleared_at=cleared)


def due(timing: Timing, episode: Episode | None) -> int | None:
    """When `follow` will say something else of an unchanged reading; None when it never will."""
    if episode is not None and episode.phase is Phase.pending:
        return episode.started_at + timing.hold
    if episode is not None and episode.phase is Phase.firing and episode.cleared_at is not None:
        return episode.cleared_at + timing.keep
    return None


def event_of(before: Episode | None, after: Episode | None) -> Event | None:
    """What channels are told of a step: `firing` to those of the rule, `resolved` to those told before."""
    was = before.phase if before is not None else Phase.pending
    if after is None or after.phase is was:
        return None
    if after.phase is Phase.firing:
        return "firing"
    return "resolved" if after.phase is Phase.resolved else None


def _waiting(timing: Timing, episode: Episode, since: int, now: int) -> Episode:
    started = episode.started_at
    if timing.threshold == "critical":
        # A newer `since` says that the check was better for a moment nobody looked at. For a threshold of
        # warning it may also be a step from warning to critical, which is the same breach.
        started = max(started, since)
    if now - started >= timing.hold:
        return Episode(Phase.firing, started, fired_at=now)
    return replace(episode, started_at=started)
