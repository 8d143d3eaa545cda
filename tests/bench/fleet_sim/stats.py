"""What the simulated fleet lives through, counted; and how that is told to a person. No I/O."""

from __future__ import annotations

from collections import Counter
from typing import TypedDict

MOST_TIMES = 20_000                     # of convergences kept by one process


class Snapshot(TypedDict):
    """The counts of one process so far. `times`: seconds from word of a serial to its stored report."""

    agents: int
    connected: int
    serials: dict[str, int]
    counts: dict[str, int]
    times: list[float]


class Stats:
    """Counters of one process."""

    def __init__(self, agents: int) -> None:
        self.agents, self.connected = agents, 0
        self.counts: Counter[str] = Counter()
        self.serials: dict[str, int] = {}               # device to the serial that it reported
        self.times: list[float] = []

    def converged(self, device: str, serial: int, seconds: float) -> None:
        """A report on this serial was acknowledged."""
        self.serials[device] = serial
        self.counts["reports"] += 1
        self.times.append(round(seconds, 4))
        del self.times[:-MOST_TIMES]

    def snapshot(self) -> Snapshot:
        """The counts as they are."""
        serials = Counter(str(serial) for serial in self.serials.values())
        return Snapshot(
            agents=self.agents, connected=self.connected, serials=dict(serials), counts=dict(self.counts),
            times=list(self.times),
        )


def merged(snapshots: list[Snapshot]) -> Snapshot:
    """The sum over processes."""
    serials: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for one in snapshots:
        serials.update(one["serials"])
        counts.update(one["counts"])
    return Snapshot(
        agents=sum(one["agents"] for one in snapshots),
        connected=sum(one["connected"] for one in snapshots),
        serials=dict(sorted(serials.items())),
        counts=dict(sorted(counts.items())),
        times=sorted(time for one in snapshots for time in one["times"]),
    )


def quantile(times: list[float], share: float) -> float | None:
    """The time that `share` of the sorted times do not exceed; None when there are none."""
    return times[min(len(times) - 1, int(share * len(times)))] if times else None


def line(total: Snapshot) -> str:
    """One line of progress."""
    times = total["times"]
    took = f", p50 {quantile(times, 0.5):.3f} s p95 {quantile(times, 0.95):.3f} s" if times else ""
    counts = total["counts"]
    return (
        f"connected {total['connected']}/{total['agents']}, converged {sum(total['serials'].values())}{took},"
        f" acknowledged {counts.get('acknowledged', 0)}, lost links {counts.get('links_lost', 0)},"
        f" refused {counts.get('refused', 0) + counts.get('untrusted', 0)}"
    )
