"""One commit's walk on real processes: pushed, converged, held when it is bad, never half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

HOURS = """apiVersion: guru/v1
kind: Policy
metadata: {name: hours}
spec:
  resources:
    hours: {kind: file, path: /etc/office/hours.txt, content: "9 to 18\\n", mode: "0644"}
"""


def device(world: World, name: str) -> Any:
    return world.ask("device", "show", name)


def running(world: World, name: str = "acme-pc01") -> AgentPlace:
    place = world.enrol(name, "acme", "hq")
    world.start_agent(place)
    wait_until(f"{name} is up to date", lambda: device(world, name)["state"] == "UpToDate", timeout=60)
    return place


def in_root(place: AgentPlace, path: str) -> Path:
    return place.root / path


def test_a_pushed_change_reaches_the_device(world: World) -> None:
    place = running(world)

    revision = world.remote.push("Tell when we are open", {"org/hours.yaml": HOURS})
    world.guru("sync", "--wait", "--timeout", "60s")

    assert in_root(place, "etc/office/hours.txt").read_text() == "9 to 18\n"
    assert device(world, "acme-pc01")["applied_revision"] == revision


def test_drift_is_put_right_and_reported_as_corrective(world: World) -> None:
    place = running(world)
    support = in_root(place, "etc/office/support.txt")
    wanted = support.read_text()

    support.write_text("somebody else's number\n")
    wait_until("the drift is corrected", lambda: support.read_text() == wanted)

    def corrective() -> bool:
        run = device(world, "acme-pc01")["run"]
        return any(one["change"] == "corrective" for one in run["resources"])

    wait_until("the server knows it was drift", corrective)


def test_a_bad_file_of_one_customer_holds_that_customer_only(world: World) -> None:
    running(world)
    good = world.remote.head()

    bad = world.remote.push("Break birch", {"customers/birch/broken.yaml": "kind: Polcy\n"})
    world.guru("sync", check=False)
    status: Any = world.ask("status")
    by_name = {one["customer"]: one for one in status["customers"]}

    assert by_name["birch"]["state"] == "Held"
    assert by_name["birch"]["revision"] == good
    assert any("customers/birch/broken.yaml" in fault["path"] for fault in by_name["birch"]["faults"])
    assert by_name["acme"]["state"] == "InForce"
    assert by_name["acme"]["revision"] == bad


def test_an_agent_keeps_correcting_drift_while_the_server_is_gone(world: World) -> None:
    place = running(world)
    support = in_root(place, "etc/office/support.txt")
    wanted = support.read_text()

    world.server.kill()
    support.write_text("drifted while nobody was watching\n")
    wait_until("the drift is corrected offline", lambda: support.read_text() == wanted)
    world.start_server()

    def reported() -> bool:
        run = device(world, "acme-pc01")["run"]
        return any(one["change"] == "corrective" for one in run["resources"])

    wait_until("the report arrives once the server is back", reported, timeout=90)


def test_an_agent_killed_and_restarted_goes_on_from_its_last_verified_state(world: World) -> None:
    place = running(world)
    world.children["agent acme-pc01"].kill()
    world.server.kill()
    support = in_root(place, "etc/office/support.txt")
    support.unlink()

    world.start_agent(place)

    wait_until("the file is back with no server in reach", support.exists)
