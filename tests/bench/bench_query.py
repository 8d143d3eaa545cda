"""Live SQL on many simulated agents through the API, as `guru query` asks: the first answer and the last.

Each has one row ready: what is measured is the way there and back. `compare` asks real tables of real agents.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from gurucli.client import Client
from tests.bench.bench_jobs import PLACE, ask
from tests.bench.figures import Figure
from tests.bench.fleet_sim.orders import KERNEL
from tests.bench.sizes import Size
from tests.bench.stage import linked, office

LAST = 0.5                              # seconds for 1,000; DESIGN section 10
QUERY = {"query": {"sql": KERNEL, "limits": {"rows": 10, "seconds": 60.0}}, "expires": 60}


def run(size: Size) -> list[Figure]:
    """The median of several; one more before them is not counted."""
    count = size.agents
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        world = office(Path(folder), [f"sim-{number}" for number in range(1, count + 1)], PLACE)
        try:
            world.simulate(count, *PLACE, "--processes", "2", "--duration", "0", "--quiet", "--heartbeat", "600")
            linked(world, count, size.converge_limit * 3)
            with Client(world.url, world.token, ca=(world.keys / "ca.crt").read_text()) as client:
                found = [ask(world, client, "customer=birch", count, QUERY) for _ in range(size.runs + 1)][1:]
        finally:
            world.stop()
    first, last, cpu, others = (median(column) for column in zip(*found, strict=True))
    asked = f"one row of SQL from {count:,} simulated agents"
    return [
        Figure(f"{asked}, first answer", first, "s"),
        Figure(f"{asked}, last answer", last, "s", LAST, cpu=cpu, others=others),
    ]
