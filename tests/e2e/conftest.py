"""A whole world on loopback for one test: a real remote, server, agents and command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.lab.world import World

EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
PACE = """apiVersion: guru/v1
kind: Policy
metadata: {name: pace}
spec:
  agent: {heartbeat: 2s, converge: 2s}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A server that watches a remote with the small office, and a signed-in command line."""
    made = World(tmp_path)
    try:
        made.remote.create(EXAMPLE)
        made.remote.push("Look every two seconds", {"org/pace.yaml": PACE})
        made.prepare()
        made.start_server()
        made.sign_in()
        yield made
    finally:
        made.stop()
