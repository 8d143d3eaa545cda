"""Which devices of a job begin when, and when nothing more is to be expected. Pure: it reads and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from guru_wire.running import ENDED, State

FAILURES: frozenset[State] = frozenset({"failed", "timed_out", "lost"})
PATIENCE_MS = 10_000                    # for a device that should be there, to take its order
WAVE_PATIENCE_MS = 5_000                # the same, before the next wave goes on without it
SILENCE_MS = 3_600_000                  # beyond its time, until a run that nobody heard of again is lost


class Wave(NamedTuple):
    """The newest wave of a job: its number, of how many, when it was released and was over (ms UTC), and the pace."""

    number: int
    waves: int
    released_at: int
    over_at: int | None
    delay: int                          # seconds
    max_failures: int                   # 0: no matter how many


class Standing(NamedTuple):
    """A run as a decision needs it."""

    wave: int
    state: State
    online: bool


def wave_size(batch: str, total: int) -> int:
    """Devices of one wave, of a number or a percentage; at least one."""
    size = int(batch[:-1]) * total / 100 if batch.endswith("%") else float(int(batch))
    return max(1, min(total, int(size + 0.5)))


def stopped(counts: Mapping[State, int], wave: Wave) -> str:
    """Why no further devices begin; empty when they do."""
    failures = sum(counts.get(state, 0) for state in FAILURES)
    if wave.max_failures and failures >= wave.max_failures:
        return f"stopped: {failures} failed, and {wave.max_failures} were too many"
    return ""


def wave_over(runs: Sequence[Standing], wave: Wave, now: int) -> bool:
    """Whether every run of the waves so far has ended, or waits for a device that does not come."""
    late = now - wave.released_at >= WAVE_PATIENCE_MS
    return all(
        one.state in ENDED or (one.state == "queued" and (late or not one.online))
        for one in runs if one.wave <= wave.number
    )


def next_wave_due(wave: Wave, now: int) -> bool:
    """Whether the next wave may begin; its forerunner is over."""
    return (
        wave.number + 1 < wave.waves and wave.over_at is not None
        and now - wave.over_at >= wave.delay * 1000
    )


def done(runs: Sequence[Standing], wave: Wave, now: int) -> bool:
    """Whether nothing more is to be expected soon: the others wait for devices that are away."""
    if wave.number + 1 < wave.waves and any(one.state not in ENDED for one in runs if one.wave > wave.number):
        return False
    late = now - wave.released_at >= PATIENCE_MS
    return all(one.state in ENDED or (one.state == "queued" and (late or not one.online)) for one in runs)
