"""An alert over readings at known times: what the server's sweep would find and tell, and when. It reads no clock.

Times are ms since the start. The server looks when a verdict comes and every few seconds besides; here a look comes at
the very moment at which something changes, so that a claim is about the rule and not about the pace of the sweep.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from guru_policy.alerting.episode import Episode, Phase, Reading, Timing, due, event_of, follow
from guru_policy.alerting.hearing import Heard, heard_of
from guru_policy.alerting.telling import Progress, Route, next_due, seen
from guru_policy.alerting.telling import after as told_after
from guru_policy.alerting.telling import due as tellings_due
from guru_policy.errors import InputInvalid
from guru_policy.opening import Calendar, Times
from guru_policy.verdict import State

AlertState = Literal["inactive", "pending", "firing", "resolved"]
MOST_LOOKS = 10_000                     # at one alert


class Ack(NamedTuple):
    """Somebody takes the alert up; before `until`, or for good."""

    at: int
    until: int | None = None


@dataclass(frozen=True)
class Scene:
    """What happens around an alert. `epoch` is ms UTC of the start."""

    routes: tuple[Route, ...] = ()
    windows: tuple[tuple[str, Times], ...] = ()     # that mute, by name
    acks: tuple[Ack, ...] = ()                      # in the order of time
    mute_ends: frozenset[str] = frozenset()         # channels that do not want to hear of an end
    epoch: int = 0


class Change(NamedTuple):
    """From this time on the alert is in this state."""

    at: int
    state: AlertState
    told: tuple[str, ...] = ()          # everybody who was told of a beginning by now, each once
    now: tuple[str, ...] = ()           # who is told at this very moment, of a beginning or of an end
    steps: tuple[str, ...] = ()         # by which steps
    muted: tuple[str, ...] = ()         # by these windows
    acknowledged: bool = False


@dataclass(frozen=True)
class History:
    """An alert over time; before its first change it is inactive."""

    changes: tuple[Change, ...]
    in_vain: tuple[Ack, ...] = ()       # when there was no alert that fires

    def at(self, time: int) -> Change:
        """The newest change up to this time, with that time included."""
        index = bisect_right(self.changes, time, key=lambda change: change.at)
        return self.changes[index - 1] if index else Change(0, "inactive")

    def during(self, begin: int, end: int) -> Iterator[Change]:
        """How it is at `begin`, and every change after that and before `end`."""
        yield self.at(begin)
        yield from (change for change in self.changes if begin < change.at < end)

    def steps(self, time: int, names: Sequence[str], *, only_then: bool) -> set[str]:
        """The steps by which any of these was told up to `time`, or only at that very time."""
        told = [change for change in self.changes if change.at == time or (change.at < time and not only_then)]
        return {step for change in told if set(change.now) & set(names) for step in change.steps}


def history_of(timing: Timing, heard: Sequence[Heard], until: int, scene: Scene | None = None) -> History:
    """What becomes of one rule's alert about one check, up to and with `until`.

    InputInvalid when more happens than anybody would read.
    """
    played = _Played(timing, scene or Scene())
    index, looks, now = 0, 0, 0
    reading: Reading | None = None
    while now <= until:
        while index < len(heard) and heard[index].at <= now:
            reading = heard[index].reading
            index += 1
        played.look(reading, now)
        looks += 1
        if looks > MOST_LOOKS:
            raise InputInvalid("too much happens to follow it", hint="make the timeline shorter")
        coming = [heard[index].at] if index < len(heard) else []
        now = min((one for one in (*coming, *played.coming(reading, now)) if one > now), default=until + 1)
    return History(tuple(played.changes), tuple(played.in_vain))


class _Played:
    """The alert as it is by now."""

    def __init__(self, timing: Timing, scene: Scene) -> None:
        self._timing, self._scene = timing, scene
        self._calendar = Calendar()
        self._episode: Episode | None = None
        self._progress: Progress | None = None
        self._ended = False
        self._told: dict[str, None] = {}
        self._ack: Ack | None = None
        self._acks = list(scene.acks)
        self._late: list[tuple[int, tuple[str, ...]]] = []      # ends that wait for a window to close
        self.changes: list[Change] = []
        self.in_vain: list[Ack] = []

    def look(self, reading: Reading | None, now: int) -> None:
        """One look at the check."""
        before = self._episode
        if reading is not None:
            self._episode = follow(self._timing, before, reading, now)
        event = event_of(before, self._episode)
        muted = self._muted(now)
        told, steps = self._ends(muted, now) if event == "resolved" else ((), ())
        late = tuple(name for at, names in self._late if at <= now for name in names)
        self._late = [one for one in self._late if one[0] > now]
        firing = self._episode is not None and self._episode.phase is Phase.firing
        self._take_up(now, firing=firing)
        if firing:
            told, steps = self._begin(muted, now)
        self._note(now, tuple(dict.fromkeys((*told, *late))), steps)
        if self._episode is not None and self._episode.phase is Phase.resolved:
            self._episode = self._progress = self._ack = None

    def coming(self, reading: Reading | None, now: int) -> Iterator[int]:
        """When the next look has to be, as far as it is known."""
        later = None if reading is None or reading.state is State.unknown else due(self._timing, self._episode)
        if later is not None:
            yield later
        yield from (at for at, _ in self._late)
        yield from (ack.at for ack in self._acks[:1])
        if self._progress is None:
            return
        if self._ack is not None and self._ack.until is not None:
            yield self._ack.until
        epoch = self._scene.epoch
        for _, times in self._scene.windows:
            until = self._calendar.at(times, epoch + now).until
            if until is not None:
                yield until - epoch
        step = next_due(self._scene.routes, self._progress, now)
        if step is not None:
            yield step

    def _begin(self, muted: tuple[str, ...], now: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        lasts = self._ack is not None and (self._ack.until is None or now < self._ack.until)
        progress = seen(self._progress, now, muted, self._ack.at if self._ack is not None and lasts else None)
        tellings = tellings_due(self._scene.routes, progress, now)
        self._progress = told_after(progress, tellings)
        self._told |= dict.fromkeys(self._progress.told)
        return tuple(name for one in tellings for name in one.tells), tuple(one.step for one in tellings)

    def _ends(self, muted: tuple[str, ...], now: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who is told at once that it is over; while it is muted they are when the last window closes."""
        self._ended = True
        known = self._progress.told if self._progress is not None else ()
        told = tuple(name for name in known if name not in self._scene.mute_ends)
        if not muted or not told:
            return told, ()
        epoch = self._scene.epoch
        closes = [self._calendar.at(times, epoch + now).until for name, times in self._scene.windows if name in muted]
        self._late.append((max(one for one in closes if one is not None) - epoch, told))
        return (), ()

    def _take_up(self, now: int, *, firing: bool) -> None:
        while self._acks and self._acks[0].at <= now:
            ack = self._acks.pop(0)
            if firing:
                self._ack = ack
            else:
                self.in_vain.append(ack)

    def _muted(self, now: int) -> tuple[str, ...]:
        moment = self._scene.epoch + now
        return tuple(name for name, times in self._scene.windows if self._calendar.at(times, moment).open)

    def _note(self, now: int, told: tuple[str, ...], steps: tuple[str, ...]) -> None:
        idle: AlertState = "resolved" if self._ended else "inactive"
        state: AlertState = self._episode.phase.value if self._episode is not None else idle
        change = Change(now, state, tuple(self._told), told, steps)
        if state == "firing" and self._progress is not None:
            change = change._replace(muted=self._progress.muted, acknowledged=self._progress.acknowledged)
        last = self.changes[-1] if self.changes else Change(0, "inactive")
        if told or last._replace(at=now, now=(), steps=()) != change:
            self.changes.append(change)


__all__ = ["Ack", "Change", "Heard", "History", "Scene", "heard_of", "history_of"]
