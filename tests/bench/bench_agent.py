"""A real agent that converges, reports and then idles, in one process and in two: memory and share of a processor."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory
from tests.bench.sizes import Size
from tools.lab.world import World, wait_until

MEMORY, SHARE = 56.0, 0.1               # MB resident (docs/adr/0012), percent of a processor
CARRYING = 32.0                         # MB resident of the half that carries (docs/adr/0021)
EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
NAME, SECOND = "bench1", "bench2"
PACE = """apiVersion: guru/v1
kind: Policy
metadata: {name: office-pace}
spec:
  agent: {heartbeat: 60s, converge: 5m}
  checks:
    intake-form: {every: 1m}
"""


def run(size: Size) -> list[Figure]:
    """An agent in a sandbox root under the policies of the example, at the default pace."""
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        world = World(Path(folder))
        world.remote.create(EXAMPLE)
        world.remote.push("Look as often as by default", {"customers/acme/policies/pace.yaml": PACE})
        world.prepare()
        try:
            world.start_server()
            world.sign_in()
            agent = world.start_agent(world.enrol(NAME, "acme", "hq"))
            wait_until("the agent is as it should be", lambda: _state(world, NAME) == "UpToDate", 60)
            time.sleep(size.settle)
            with Span(agent.pid) as idle:
                time.sleep(size.idle)
            found = memory(agent.pid)
            agent.stop()                # what processes share is counted for each in part
            halves = world.start_halves(world.enrol(SECOND, "acme", "hq"))
            wait_until("its halves are as they should be", lambda: _state(world, SECOND) == "UpToDate", 60)
            time.sleep(size.settle)
            decides, carries = (memory(half.pid) for half in halves)
        finally:
            world.stop()
    share = 100 * idle.cpu / idle.wall
    return [
        Figure("agent that converged and reports, resident", found.resident, "MB", MEMORY),
        Figure("the same agent, at its peak", found.peak, "MB"),
        Figure("the same agent, of that its own", found.proportional, "MB"),
        Figure("an agent's half that decides, resident", decides.resident, "MB", MEMORY),
        Figure("an agent's half that carries, resident", carries.resident, "MB", CARRYING),
        Figure("both halves, of that their own", decides.proportional + carries.proportional, "MB"),
        Figure(f"the same agent, share of a processor in {size.idle:.0f} idle s", share, "%", SHARE),
    ]


def _state(world: World, name: str) -> str:
    shown = world.ask("device", "show", name)
    return str(shown["state"]) if isinstance(shown, dict) else ""
