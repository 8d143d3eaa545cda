"""An override on real processes: the device gets it within seconds, and goes back when its time is over."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tools.lab.world import World, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

PC = "acme-pc01"
HOURS = """apiVersion: guru/v1
kind: Policy
metadata: {name: hours}
spec:
  enforced: [checks.hours]
  agent: {heartbeat: 2s, converge: 2s}
  checks: {hours: {kind: cpu, warning: 99%}}
  resources:
    hours: {kind: file, path: /etc/office/hours.txt, content: "9 to 18", mode: "0644"}
"""


def shown(world: World) -> Any:
    return world.ask("device", "show", PC)


def overridden(world: World) -> bool:
    return any(one["type"] == "Overridden" for one in shown(world)["conditions"])


def test_a_device_gets_it_keeps_it_without_git_and_goes_back_at_its_end(world: World) -> None:
    place = world.enrol(PC, "acme", "hq")
    world.start_agent(place)
    world.remote.push("Tell when we are open", {"org/hours.yaml": HOURS})
    world.guru("sync", "--wait", "--timeout", "90s")
    file = place.root / "etc/office/hours.txt"
    assert file.read_text() == "9 to 18"
    shutil.rmtree(world.remote.bare)

    set_ = ("override", "set", PC, "resources.hours.content=closed", "--reason", "stocktaking", "--ttl")
    made = json.loads(world.guru(*set_, "30d", "-o", "json").out)
    world.guru("wait", "-l", f"name={PC}", "--for", "UpToDate=100%", "--timeout", "60s")
    assert file.read_text() == "closed"
    plan: Any = world.ask("plan", str(world.remote.work))
    wrong = world.guru("override", "set", PC, "resources.hours.contnt=x", "--ttl", "1h", "--reason", "x", check=False)
    locked = world.guru("override", "set", PC, "checks.hours.warning=1%", "--ttl", "1h", "--reason", "x", check=False)
    said: Any = world.ask("explain", PC, "resources.hours.content")
    world.guru("override", "rm", made["items"][0]["id"])
    world.guru("wait", "-l", f"name={PC}", "--for", "UpToDate=100%", "--timeout", "60s")
    assert file.read_text() == "9 to 18"

    world.guru(*set_, "10s")
    wait_until("the device has it", lambda: file.read_text() == "closed", timeout=60)
    told = overridden(world)
    wait_until("the device goes back", lambda: file.read_text() == "9 to 18", timeout=90)
    wait_until("and nothing is overridden", lambda: not overridden(world))

    assert told
    assert [row["path"] for row in plan["overrides"]] == ["resources.hours.content"]
    assert (wrong.exit_code, locked.exit_code) == (10, 8)
    assert "did you mean `content`" in wrong.err
    assert "enforced by org/hours.yaml:5:14" in locked.err
    assert said["candidates"][0]["layer"].startswith("override by ")
    endings = [row["ending"] for row in world.ask("override", "list", "--expired")["items"]]
    assert endings == ["expired", "removed"]
