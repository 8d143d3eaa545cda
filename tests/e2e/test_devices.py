"""Devices and their identity on real processes: a machine installed anew, a new key, a copied disk."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tools.lab.office import PATIENCE, holds, settle
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

PC, PATH = "acme-pc01", "/etc/office/hours.txt"
HOURS = """apiVersion: guru/v1
kind: Policy
metadata: {name: hours}
spec:
  resources:
    hours: {kind: file, path: /etc/office/hours.txt, content: "9 to 18\\n", mode: "0644"}
"""


def held(world: World) -> Any:
    return json.loads(world.guru("enroll", "pending", "list", "-o", "json").out)["items"]


def key(world: World, ref: str) -> str:
    shown: Any = world.ask("device", "show", ref)
    return str(shown["public_key"])


def test_a_machine_installed_anew_gets_its_state_only_after_somebody_agreed(world: World) -> None:
    for name in ("pc07", "pc07-anew"):
        etc = world.folder / "agents" / name / "root" / "etc"
        etc.mkdir(parents=True)
        (etc / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    settle(world, PC)
    world.remote.push("Tell when we are open", {"org/hours.yaml": HOURS})
    first = world.enrol("pc07", "acme", "hq")
    running = world.start_agent(first)
    wait_until("the machine has the file", lambda: holds(first, PATH, "9 to 18"), PATIENCE)
    running.stop()
    again = world.enrol("pc07-anew", "acme", "hq")
    world.start_agent(again)
    wait_until("it waits", lambda: [row["name"] for row in held(world)] == ["pc07-anew"], PATIENCE)
    waits = held(world)[0]
    log = world.folder / "logs" / "agent-pc07-anew.log"
    wait_until("it is linked and knows", lambda: "this device is pending" in log.read_text(), PATIENCE)
    early = (again.root / "etc/office").exists()

    world.guru("enroll", "pending", "approve", waits["id"], "--replaces", "acme/hq/pc07")
    wait_until("it has the file", lambda: holds(again, PATH, "9 to 18"), PATIENCE)

    assert (waits["alike"], early, held(world)) == (["acme/hq/pc07"], False, [])
    before = key(world, "acme/hq/pc07")
    world.guru("device", "rotate-key", "acme/hq/pc07")
    wait_until("it has another key", lambda: key(world, "acme/hq/pc07") != before, PATIENCE)
    copied(world, again)


def copied(world: World, place: AgentPlace) -> None:
    """Somebody copies its disk: both are held, and let go when the copy is gone."""
    home = world.folder / "agents" / "copy"
    shutil.copytree(place.state, home / "state")
    (home / "root").mkdir()
    copy = world.start_agent(AgentPlace("copy", home / "state", home / "root"))
    wait_until("both are in quarantine", lambda: [row["held"] for row in held(world)] == ["quarantined"], PATIENCE)
    copy.stop()
    world.guru("device", "release", "acme/hq/pc07")
    (place.root / "etc/office/hours.txt").unlink()
    wait_until("it is kept as it should be again", lambda: holds(place, PATH, "9 to 18"), PATIENCE)

    assert held(world) == []
