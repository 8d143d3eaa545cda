"""Whom an alert that fires is told to, and when: one decision at a time. Pure; it never reads a clock.

Two clocks run while an alert fires. One stands still while a maintenance window mutes it, the other also while
somebody has taken it up. A step comes due by the second, or by the first when acknowledging does not stop it: so an
alert that was muted or taken up for hours goes on where it was, and does not wake everybody at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

RULE = "rule"                           # the key of what an alert rule itself says


@dataclass(frozen=True, slots=True)
class Step:
    """Tells these when its clock shows `after` ms."""

    key: str                            # RULE, or scope, policy and step: org/round-the-clock/desk
    after: int
    tells: tuple[str, ...]              # names of channels, and e-mail addresses
    heeds: bool = True                  # not while acknowledged


@dataclass(frozen=True, slots=True)
class Route:
    """Steps, and how often they begin again. `period` is ms from the beginning of one round to that of the next."""

    steps: tuple[Step, ...]
    period: int = 0
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the telling of one firing alert is. ms, counted up to `since` (ms UTC)."""

    since: int
    heard: int = 0                      # in which nothing muted it
    waited: int = 0                     # of that, in which nobody had taken it up
    muted: tuple[str, ...] = ()         # by these windows, from `since` on
    acknowledged: bool = False          # from `since` on
    rounds: Mapping[str, int] = field(default_factory=dict)         # by step: the newest round that was told
    told: tuple[str, ...] = ()          # everybody who was told, each once


class Telling(NamedTuple):
    """One step of one round that is told now."""

    step: str
    round: int
    tells: tuple[str, ...]              # without those whom another step tells at the same moment


def seen(before: Progress | None, now: int, muted: Sequence[str], taken_up: int | None) -> Progress:
    """The progress at `now`; the same object while nothing changed. `taken_up` is since when somebody has the alert.

    A clock that was set back counts anew from now.
    """
    windows, acknowledged = tuple(muted), taken_up is not None
    if before is None:
        return Progress(now, muted=windows, acknowledged=acknowledged)
    if (windows, acknowledged) == (before.muted, before.acknowledged) and before.since <= now:
        return before
    heard, _ = _clocks(before, now)
    _, waited = _clocks(before, now if taken_up is None else min(now, taken_up))     # looked at later than taken up
    return replace(before, since=now, heard=heard, waited=waited, muted=windows, acknowledged=acknowledged)


def due(routes: Sequence[Route], progress: Progress, now: int) -> tuple[Telling, ...]:
    """What is to be told now, as far as the progress does not say that it was.

    Of rounds that came due while nobody looked only the newest is told: once each is enough.
    """
    if progress.muted:
        return ()
    found: list[Telling] = []
    reached: set[str] = set()
    for route in routes:
        for step in route.steps:
            at = _round(route, step, progress, now)
            if at is not None and at > progress.rounds.get(step.key, -1):
                tells = tuple(one for one in dict.fromkeys(step.tells) if one not in reached)
                reached.update(tells)
                found.append(Telling(step.key, at, tells))
    return tuple(found)


def after(progress: Progress, tellings: Sequence[Telling]) -> Progress:
    """The progress once these are told."""
    if not tellings:
        return progress
    rounds = {**progress.rounds, **{one.step: one.round for one in tellings}}
    told = dict.fromkeys((*progress.told, *(name for one in tellings for name in one.tells)))
    return replace(progress, rounds=rounds, told=tuple(told))


def next_due(routes: Sequence[Route], progress: Progress, now: int) -> int | None:
    """The first moment after `now` at which something comes due, if nothing else changes; None for never."""
    if progress.muted:
        return None
    moments = []
    for route in routes:
        for step in route.steps:
            if step.heeds and progress.acknowledged:
                continue
            clock = _clocks(progress, now)[step.heeds]
            coming = 0 if clock < step.after else (clock - step.after) // route.period + 1 if route.period else 1
            if coming < route.rounds:
                moments.append(now + step.after + coming * route.period - clock)
    return min(moments, default=None)


def _round(route: Route, step: Step, progress: Progress, now: int) -> int | None:
    """The round of the step that is due by now; None before the first, and while somebody has taken it up."""
    if step.heeds and progress.acknowledged:
        return None
    clock = _clocks(progress, now)[step.heeds]
    if clock < step.after:
        return None
    return min((clock - step.after) // route.period, route.rounds - 1) if route.period else 0


def _clocks(progress: Progress, now: int) -> tuple[int, int]:
    """`heard` and `waited` at `now`."""
    passed = 0 if progress.muted else max(0, now - progress.since)
    return progress.heard + passed, progress.waited + (0 if progress.acknowledged else passed)
