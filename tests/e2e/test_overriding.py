"""An override on real processes: the device gets it within seconds, and goes back when its time is over."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tools.lab.office import PATIENCE, holds, settle
from tools.lab.world import World, wait_until

pytestmark = pytest.mark.e2e

PC, PATH = "acme-pc01", "/etc/office/hours.txt"
HOURS = """apiVersion: guru/v1
kind: Policy
metadata: {name: hours}
spec:
  enforced: [checks.hours]
  checks: {hours: {kind: cpu, warning: 80%}}
  resources:
    hours: {kind: file, path: /etc/office/hours.txt, content: "9 to 18\\n", mode: "0644"}
"""


def shown(world: World) -> Any:
    return world.ask("device", "show", PC)


def overridden(world: World) -> bool:
    return any(one["type"] == "Overridden" for one in shown(world)["conditions"])


def test_a_device_gets_it_keeps_it_without_git_and_goes_back_at_its_end(world: World) -> None:
    place = settle(world, PC)
    world.remote.push("Tell when we are open", {"org/hours.yaml": HOURS})
    world.guru("sync")
    wait_until("the device has the file", lambda: holds(place, PATH, "9 to 18"), PATIENCE)
    shutil.rmtree(world.remote.bare)

    set_ = ("override", "set", PC, r'resources.hours.content="closed\n"', "--reason", "stocktaking", "--ttl")
    made = json.loads(world.guru(*set_, "30d", "-o", "json").out)
    wait_until("the device has it", lambda: holds(place, PATH, "closed"), PATIENCE)
    plan: Any = world.ask("plan", str(world.remote.work))
    wrong = world.guru("override", "set", PC, "resources.hours.contnt=x", "--ttl", "1h", "--reason", "x", check=False)
    locked = world.guru("override", "set", PC, "checks.hours.warning=1%", "--ttl", "1h", "--reason", "x", check=False)
    told = overridden(world)
    said: Any = world.ask("explain", PC, "resources.hours.content")
    world.guru("override", "rm", made["items"][0]["id"])
    wait_until("the device goes back at once", lambda: holds(place, PATH, "9 to 18"), PATIENCE)

    world.guru(*set_, "20s")
    wait_until("the device has it again", lambda: holds(place, PATH, "closed"), PATIENCE)
    wait_until("the device goes back by itself", lambda: holds(place, PATH, "9 to 18"), PATIENCE)
    wait_until("and nothing is overridden", lambda: not overridden(world), PATIENCE)

    assert told
    assert [row["path"] for row in plan["overrides"]] == ["resources.hours.content"]
    assert (wrong.exit_code, locked.exit_code) == (10, 8)
    assert "did you mean `content`" in wrong.err
    assert "enforced by org/hours.yaml:5:14" in locked.err
    assert said["candidates"][0]["layer"].startswith("override by ")
    endings = [row["ending"] for row in world.ask("override", "list", "--expired")["items"]]
    assert endings == ["expired", "removed"]
