"""Clocks, processor time and memory, of this process, of others and of the machine. It starts only commands."""

from __future__ import annotations

import math
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

TICK = 1 / os.sysconf("SC_CLK_TCK")     # seconds
CPUS = os.cpu_count() or 1
LIMIT = 120.0                           # seconds for one command


class Span:
    """A stretch of time: `wall` and `cpu` seconds, and the share of the machine that `others` used.

    `cpu` is that of this process and its ended children; with `pids` that of those processes instead.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self.wall = self.cpu = self.others = 0.0

    def __enter__(self) -> Span:
        self._before = (time.perf_counter(), self._own(), machine_cpu())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall, own, busy = self._before
        self.wall, self.cpu = time.perf_counter() - wall, self._own() - own
        beside = machine_cpu() - busy - self.cpu
        self.others = min(1.0, max(0.0, beside / CPUS / self.wall)) if self.wall else 0.0

    def _own(self) -> float:
        if self._pids:
            return sum(process_cpu(pid) for pid in self._pids)
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)


def machine_cpu() -> float:
    """Seconds that all processors together were busy since the start (proc(5), /proc/stat)."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * TICK


def process_cpu(pid: int) -> float:
    """Seconds of processor that a process and its ended children used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * TICK


class Memory(NamedTuple):
    """MiB of one process: resident, its own share of that, and the most it ever was resident."""

    resident: float
    proportional: float
    peak: float


def memory(pid: int) -> Memory:
    """Of a process that runs (proc(5): status and smaps_rollup)."""
    status = _fields(Path(f"/proc/{pid}/status").read_text())
    rollup = _fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return Memory(status["VmRSS"] / 1024, rollup["Pss"] / 1024, status["VmHWM"] / 1024)


def sockets(pid: int) -> int:
    """How many sockets a process holds open (proc(5), fd)."""
    found = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue                    # closed between the two looks
    return found


def _fields(text: str) -> dict[str, int]:
    lines = (line.split() for line in text.splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) == 3 and words[2] == "kB"}


class Command(NamedTuple):
    """How long a command took, in seconds; medians over its runs."""

    wall: float
    cpu: float
    others: float


def paired(commands: Mapping[str, Sequence[str]], env: Mapping[str, str], runs: int) -> dict[str, Command]:
    """Medians of each command, run in turn so that a busy moment of the machine meets them all alike.

    The first round warms the page cache and is not counted. RuntimeError when a command fails.
    """
    found: dict[str, list[Command]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, argv in commands.items():
            once = _once(argv, env)
            if turn:
                found[name].append(once)
    return {
        name: Command(*(statistics.median(column) for column in zip(*times, strict=True)))
        for name, times in found.items()
    }


def _once(argv: Sequence[str], env: Mapping[str, str]) -> Command:
    with Span() as span:
        done = subprocess.run(
            argv, env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=LIMIT,
        )
    if done.returncode:
        raise RuntimeError(f"{argv} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return Command(span.wall, span.cpu, span.others)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
