"""A real agent that converges, reports and then idles: its memory and its share of a processor."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory
from tests.bench.sizes import Size
from tools.lab.world import World, wait_until

MEMORY, SHARE = 56.0, 0.1               # MB resident (docs/adr/0012), percent of a processor
EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
NAME = "bench1"
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
            wait_until("the agent is as it should be", lambda: _state(world) == "UpToDate", 60)
            time.sleep(size.settle)
            with Span(agent.pid) as idle:
                time.sleep(size.idle)
            found = memory(agent.pid)
        finally:
            world.stop()
    share = 100 * idle.cpu / idle.wall
    return [
        Figure("agent that converged and reports, resident", found.resident, "MB", MEMORY),
        Figure("the same agent, at its peak", found.peak, "MB"),
        Figure("the same agent, of that its own", found.proportional, "MB"),
        Figure(f"the same agent, share of a processor in {size.idle:.0f} idle s", share, "%", SHARE),
    ]


def _state(world: World) -> str:
    shown = world.ask("device", "show", NAME)
    return str(shown["state"]) if isinstance(shown, dict) else ""
