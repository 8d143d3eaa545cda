"""A large file to one real agent and back, through the API in chunks: how long, and what memory it takes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from guru_wire.transfers import CHUNK, Transfer, chunks_of
from tests.bench.figures import Figure
from tests.bench.measuring import Span, memory
from tests.bench.sizes import Size
from tools.lab.world import World, wait_until

GROWTH = 16.0                           # MB that an agent may grow by, however large a file is
EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
NAME, THERE = "bench1", "/var/large"


def run(size: Size) -> list[Figure]:
    """Filled by this process, put by the agent, sent by the agent."""
    content = os.urandom(1 << 20) * size.transfer
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        world = World(Path(folder))
        world.remote.create(EXAMPLE)
        world.prepare()
        try:
            world.start_server()
            world.sign_in()
            place = world.enrol(NAME, "acme", "hq")
            (place.root / "var").mkdir()
            agent = world.start_agent(place)
            wait_until("the agent is there", lambda: world.get(f"/devices/{NAME}")["state"] == "UpToDate", 60)
            before, server = memory(agent.pid), memory(world.server.pid)
            with _api(world) as api:
                name = Transfer.model_validate(api.post("/transfers", json={
                    "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}).json()).id
                with Span(agent.pid, world.server.pid) as filled:
                    for number in range(chunks_of(len(content))):
                        data = content[number * CHUNK : (number + 1) * CHUNK]
                        api.put(f"/transfers/{name}/chunks/{number}", content=data).raise_for_status()
                with Span(agent.pid, world.server.pid) as put:
                    _done(world, api, {"change": {"op": "put", "path": THERE, "transfer": name,
                                                  "sha256": hashlib.sha256(content).hexdigest()}})
                name = Transfer.model_validate(api.post("/transfers", json={}).json()).id
                with Span(agent.pid, world.server.pid) as sent:
                    _done(world, api, {"file": {"op": "send", "path": THERE, "transfer": name}})
            after, loaded = memory(agent.pid), memory(world.server.pid)
        finally:
            world.stop()
    what = f"{size.transfer} MB"
    return [
        *(Figure(f"{what} {how}", span.wall, "s", cpu=span.cpu, others=span.others)
          for how, span in (("to the server", filled), ("to one agent", put), ("from one agent", sent))),
        Figure(f"an agent's growth by {what} both ways, at its peak", after.peak - before.peak, "MB", GROWTH),
        Figure(f"the server's growth by {what} both ways, at its peak", loaded.peak - server.peak, "MB"),
    ]


def _api(world: World) -> httpx.Client:
    head = {"authorization": f"Bearer {world.token}"}
    return httpx.Client(base_url=f"{world.url}/api/v1", verify=world.trust(), headers=head, trust_env=False, timeout=60)


def _done(world: World, api: httpx.Client, body: dict[str, object]) -> None:
    made = api.post("/jobs", json={"device": NAME, "timeout": 600, **body})
    job = made.raise_for_status().json()["job"]["id"]
    wait_until("it is over", lambda: world.get(f"/jobs/{job}")["runs"][0]["finished_at"] is not None, 600)
    run = world.get(f"/jobs/{job}")["runs"][0]
    if run["state"] != "succeeded":
        raise RuntimeError(run["reason"])
