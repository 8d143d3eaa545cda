"""A thousand simulated agents on a real server over TLS: how soon they are what a push says, and what that costs."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from guru_policy.inventory import Place
from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory, sockets
from tests.bench.sizes import Size
from tests.bench.stage import simulated
from tools.lab.processes import Child
from tools.lab.world import World, wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
PLACE = Place("birch", "hq")
CONVERGED, CONNECTION = 60.0, 64.0      # seconds for 95 %, KB with TLS
CHANGE = """apiVersion: guru/v1
kind: Policy
metadata: {name: opening-hours}
spec:
  resources:
    hours: {kind: file, path: /etc/office/hours.txt, content: "Monday to Friday, 9 to 18", mode: "0644"}
"""


def run(size: Size) -> list[Figure]:
    """Connect them all, push one change, wait for all."""
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        world = World(Path(folder), settings={"GURU_SERVER_GIT__POLL": "3600"})
        world.remote.create(EXAMPLE)
        world.prepare()
        names = [f"sim-{number}" for number in range(1, size.agents + 1)]
        simulated(world, names, PLACE)
        try:
            world.start_server()
            world.sign_in()
            world.guru("sync")
            return _measured(world, size)
        finally:
            world.stop()


def _measured(world: World, size: Size) -> list[Figure]:
    pid, count = world.server.pid, size.agents
    before = memory(pid).resident
    with Span(pid) as connecting:
        simulated_agents = world.simulate(count, *PLACE, "--processes", "2", "--duration", "0", "--quiet")
        _until(world, count, size.converge_limit)
    connected = memory(pid).resident
    revision = world.remote.push("Tell people when the office is open", {"org/opening-hours.yaml": CHANGE})
    with Span(pid) as span:
        began = time.monotonic()
        world.guru("sync")
        most = 0.0
        for share in (0.95, 1.0):
            _until(world, share * count, size.converge_limit, revision)
            most, nearly = time.monotonic() - began, most
    agents = f"{count:,} simulated agents"
    return [
        Figure(f"{agents} connected and converged first", connecting.wall, "s", cpu=connecting.cpu,
               others=connecting.others),
        Figure(f"push to 95 % of {agents} converged", nearly, "s", CONVERGED, cpu=span.cpu, others=span.others),
        Figure(f"push to all of {agents} converged", most, "s", cpu=span.cpu, others=span.others),
        Figure("server memory a device that connects and converges first", (connected - before) * 1024 / count, "KB"),
        Figure(f"server with {agents}, resident", memory(pid).resident, "MB"),
        _reconnected(world, size, simulated_agents),
    ]


def _reconnected(world: World, size: Size, agents: Child) -> Figure:
    """Memory of connections alone: the server starts anew under agents that stand still and have converged."""
    agents.signal(signal.SIGSTOP)
    try:
        world.server.stop()
        world.start_server()
        world.guru("sync")
        pid = world.server.pid
        before = memory(pid).resident
    finally:
        agents.signal(signal.SIGCONT)
    wait_until("all are connected again", lambda: sockets(pid) >= size.agents, size.converge_limit, pause=0.2)
    time.sleep(min(5.0, size.settle))       # what the handshakes left behind is gone
    grown = (memory(pid).resident - before) * 1024 / size.agents
    return Figure("server memory a connection over TLS, of devices that converged before", grown, "KB", CONNECTION)


def _until(world: World, wanted: float, limit: float, revision: str = "") -> None:
    """Wait until so many devices are as the newest revision says."""

    def there() -> bool:
        path = f"/revisions/{revision}/progress" if revision else "/status"
        answer = world.ask("api", "GET", path)
        return isinstance(answer, dict) and answer["devices"].get("UpToDate", 0) >= wanted

    wait_until(f"{wanted:.0f} devices are up to date", there, limit, pause=0.2)
