"""The small office as a running world, quick enough for tests: a signed-in command line, agents on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.lab.world import AgentPlace, World, wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
PACE = """apiVersion: guru/v1
kind: Policy
metadata: {name: pace}
spec:
  agent: {heartbeat: 2s, converge: 2s}
"""
PATIENCE = 90.0                         # seconds: a machine may be busy with other things


@contextmanager
def office(
    folder: Path, *, database: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[World]:
    """A server that watches a remote with the small office; everything ends with the block."""
    world = World(folder, database=database, settings=settings)
    try:
        world.remote.create(EXAMPLE)
        world.remote.push("Look every two seconds", {"org/pace.yaml": PACE})
        world.prepare()
        world.start_server()
        world.sign_in()
        wait_until("the first revision is in force", lambda: bool(world.get("/status")["customers"]), PATIENCE)
        yield world
    finally:
        world.stop()


def settle(world: World, name: str, customer: str = "acme") -> AgentPlace:
    """A new real agent, once it is as the repository says."""
    place = world.enrol(name, customer, "hq")
    world.start_agent(place)
    wait_until(f"{name} is up to date", lambda: device(world, name)["state"] == "UpToDate", PATIENCE)
    return place


def device(world: World, name: str) -> Any:
    """The device as the server knows it."""
    return world.get(f"/devices/{name}")


def customer(world: World, name: str) -> Any:
    """The customer in `guru status`."""
    return next(one for one in world.get("/status")["customers"] if one["customer"] == name)


def note(path: str, content: str, name: str = "note") -> str:
    """A policy that writes one small file on devices."""
    return f"""apiVersion: guru/v1
kind: Policy
metadata: {{name: {name}}}
spec:
  resources:
    {name}: {{kind: file, path: {path}, content: "{content}\\n", mode: "0644"}}
"""


def holds(place: AgentPlace, path: str, content: str) -> bool:
    """Whether the file in the agent's sandbox has this content."""
    file = place.root / path.lstrip("/")
    return file.exists() and file.read_text() == f"{content}\n"
