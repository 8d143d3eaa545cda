"""A real agent and its server, both killed with -9 in the middle of a run, and started again in any order."""

from __future__ import annotations

import json

import pytest

from tools.lab.office import PATIENCE, device
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

SLOW = """apiVersion: guru/v1
kind: Policy
metadata: {name: slow}
spec:
  resources:
    slow: {kind: command, shell: "touch began; sleep 3; touch finished", unless: "test -e finished"}
    last: {kind: file, path: /etc/office/last.txt, content: "last", mode: "0644", after: [slow, office-folder]}
"""


def changed(world: World, resource: str) -> int:
    """How many reports that the server stored say that this resource was changed."""
    bodies = [json.loads(body) for (body,) in rows(world.database_url, "SELECT body FROM run")]
    return sum(
        one["id"] == resource and one["outcome"] == "changed" for body in bodies for one in body["resources"]
    )


def test_a_run_that_was_cut_off_on_both_sides_ends_where_it_should_and_is_told_once(
    world: World, place: AgentPlace
) -> None:
    revision = world.remote.push("Take your time", {"org/slow.yaml": SLOW})
    wait_until("it is in the middle", (place.root / "began").exists, PATIENCE)
    world.children[f"agent {place.name}"].kill()
    world.server.kill()
    half = (place.root / "etc/office/last.txt").exists()

    world.start_agent(place)            # alone at first: it goes on from its journal
    wait_until("it ends the run", (place.root / "etc/office/last.txt").exists, PATIENCE)
    world.start_server()
    wait_until("the server knows", lambda: device(world, place.name)["applied_revision"] == revision, PATIENCE)

    assert not half
    assert [changed(world, one) for one in ("slow", "last")] == [1, 1]
    assert device(world, place.name)["state"] == "UpToDate"
