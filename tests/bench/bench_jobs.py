"""`true` on many devices through the API, as `guru run` asks: first and last answer, of real and simulated agents.

The command line's own start is not in it: that is measured by `cli`.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from guru_policy.inventory import Place
from gurucli.answers_jobs import JobMade, RunRow
from gurucli.client import Client
from gurucli.following import Listener, follow
from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory
from tests.bench.sizes import Size
from tests.bench.stage import linked, office
from tools.lab.world import World

REAL, SIMULATED = 60.0, 0.75            # ms for 30 real agents, s for 10,000 simulated
TRUE: Mapping[str, object] = {"argv": ["true"]}
PLACE = Place("birch", "hq")
SETTLED = 5.0                           # seconds for agents to have nothing else to do


class Asked(NamedTuple):
    """Seconds from the question to the first and to the last answer, and what it cost the server."""

    first: float
    last: float
    cpu: float
    others: float


def run(size: Size) -> list[Figure]:
    """Real agents on one machine, then many simulated ones."""
    return [*_real(size), *_simulated(size)]


def _real(size: Size) -> list[Figure]:
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        world = office(Path(folder))
        try:
            for number in range(size.real):
                world.start_agent(world.enrol(f"real-{number:02d}", "acme", "hq"))
            linked(world, size.real, size.converge_limit)
            time.sleep(SETTLED if size.real > 1 else 0)
            found = _times(world, "customer=acme", size.real, size.runs)
        finally:
            world.stop()
    agents = f"true on {size.real} real agents"
    return [
        Figure(f"{agents}, first answer", found.first * 1000, "ms"),
        Figure(f"{agents}, last answer", found.last * 1000, "ms", REAL, cpu=found.cpu * 1000, others=found.others,
               reference=_alone(size.real, size.runs) * 1000),
    ]


def _simulated(size: Size) -> list[Figure]:
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        count = size.ordered
        world = office(Path(folder), [f"sim-{number}" for number in range(1, count + 1)], PLACE)
        try:
            world.simulate(count, *PLACE, "--processes", "2", "--duration", "0", "--quiet", "--heartbeat", "600")
            linked(world, count, size.converge_limit * 3)
            time.sleep(SETTLED if count > 10 else 0)
            found = _times(world, "customer=birch", count, min(3, size.runs))
            resident = memory(world.server.pid).resident
        finally:
            world.stop()
    agents = f"true on {count:,} simulated agents"
    return [
        Figure(f"{agents}, first answer", found.first, "s"),
        Figure(f"{agents}, last answer", found.last, "s", SIMULATED, cpu=found.cpu, others=found.others),
        Figure(f"server after {agents}, resident", resident, "MB"),
    ]


def _times(world: World, selector: str, count: int, times: int) -> Asked:
    """The median of several; one more before them is not counted."""
    with Client(world.url, world.token, ca=(world.keys / "ca.crt").read_text()) as client:
        found = [ask(world, client, selector, count) for _ in range(times + 1)][1:]
    return Asked(*(median(column) for column in zip(*found, strict=True)))


def ask(
    world: World, client: Client, selector: str, count: int, what: Mapping[str, object] = TRUE
) -> Asked:
    """Once, through the API. RuntimeError unless it succeeded on so many devices."""
    answers: list[float] = []

    def heard(run: RunRow) -> None:
        answers.append(time.perf_counter())

    with Span(world.server.pid) as span:
        began = time.perf_counter()
        made = client.post(JobMade, "/jobs", {"selector": selector, "max_devices": count, **what})
        followed = follow(client, made["job"], made["next"], Listener(run=heard))
        last = time.perf_counter()
    if followed.job["counts"] != {"succeeded": count}:
        raise RuntimeError(f"{what} did not succeed on {count} devices: {followed.job['counts']}")
    return Asked(answers[0] - began, last - began, span.cpu, span.others)


def _alone(count: int, times: int) -> float:
    """Seconds that this machine takes to start `true` so often, without any of ours."""

    def once(argv: Sequence[str]) -> float:
        began = time.perf_counter()
        for _ in range(count):
            subprocess.run(argv, check=True)
        return time.perf_counter() - began

    return median(once(("true",)) for _ in range(times))
