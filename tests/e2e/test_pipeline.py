"""A pipeline on real processes: plan, apply exactly that, roll back with Git gone. Nothing comes into force unasked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.lab.world import World, wait_until

pytestmark = pytest.mark.e2e

EXAMPLE = Path(__file__).parents[2] / "examples" / "small-office"
HOURS = """apiVersion: guru/v1
kind: Policy
metadata: {name: hours}
spec:
  checks:
    hours: {kind: cpu, every: 5m}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A server that brings nothing into force without an apply, and a device of acme."""
    made = World(tmp_path, settings={"GURU_SERVER_GIT__FOLLOW": "false"})
    try:
        made.remote.create(EXAMPLE)
        made.prepare()
        made.start_server()
        made.sign_in()
        yield made
    finally:
        made.stop()


def plan(world: World) -> Path:
    path = world.folder / f"{world.remote.head()}.plan"
    world.guru("plan", str(world.remote.work), "--out", str(path))
    return path


def held(world: World) -> dict[str, str]:
    status: Any = world.ask("status")
    return {one["reason"]: one["message"] for one in status["conditions"] if one["type"] == "Held" and one["status"]}


def test_a_commit_waits_is_applied_as_planned_and_taken_back_without_git(world: World) -> None:
    first = world.remote.head()
    assert world.guru("sync", check=False).exit_code == 8
    assert first[:12] in held(world)["WaitsForApply"]
    world.guru("apply", str(plan(world)))
    assert held(world) == {}
    world.enrol("acme-pc01", "acme", "hq")

    def rendered() -> bool:
        shown: Any = world.ask("plan", str(world.remote.work))
        return bool(shown["affected"] == 0)

    wait_until("the device has its manifest", rendered)
    second = world.remote.push("Check more", {"org/hours.yaml": HOURS})
    saved = plan(world)
    document = json.loads(saved.read_text())
    (bundles,) = document["exact"]["devices"].values()
    shown = json.loads(world.guru("render", "acme-pc01", "--revision", f"{world.remote.work}/", "-o", "json").out)
    assert shown["bundle"] == bundles[1]
    world.guru("apply", str(saved))
    assert world.guru("apply", str(saved)).exit_code == 0
    shutil.rmtree(world.remote.bare)

    done = json.loads(world.guru("rollback", "--reason", "too many checks", "-o", "json").out)

    assert done["revision"] == first
    assert "too many checks" in held(world)["RolledBack"]
    assert second[:12] in held(world)["RolledBack"]


def test_a_device_that_joins_makes_a_plan_stale(world: World) -> None:
    world.guru("apply", str(plan(world)))
    world.remote.push("Check more", {"org/hours.yaml": HOURS})
    saved = plan(world)
    world.enrol("acme-pc02", "acme", "hq")

    stale = world.guru("apply", str(saved), check=False)

    assert stale.exit_code == 9, stale.err
    assert "acme-pc02" in stale.err
    assert world.guru("apply", str(plan(world))).exit_code == 0
