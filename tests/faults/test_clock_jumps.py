"""Clocks that jump under an agent and under the server: nothing is wrongly refused, nothing runs in a storm."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tools.lab.clock import JumpingClock
from tools.lab.office import PATIENCE, device, holds, note
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"
DAY = 86_400
SLOW_RULE = """apiVersion: guru/v1
kind: AlertRule
metadata: {name: intake-form-long-broken}
spec: {check: intake-form, state: critical, for: 1h, severity: high}
"""


def runs(world: World, place: AgentPlace) -> list[Any]:
    """Every run that the server was told of, without those that only say how things stand."""
    me = device(world, place.name)["id"]
    bodies = rows(world.database_url, "SELECT body FROM run WHERE device = :device", {"device": me})
    found = [json.loads(body) for (body,) in bodies]
    return [run for run in found if any(one["outcome"] != "same" for one in run["resources"])]


def comes(world: World, place: AgentPlace, content: str) -> None:
    """Push something; the device has it and the server knows."""
    revision = world.remote.push(f"Say {content}", {"org/note.yaml": note(PATH, content)})
    wait_until(f"it says {content}", lambda: holds(place, PATH, content), PATIENCE)
    wait_until("the server knows", lambda: device(world, place.name)["applied_revision"] == revision, PATIENCE)


def alerts(world: World, rule: str) -> list[str]:
    found = rows(world.database_url, "SELECT state FROM alert WHERE rule LIKE :rule", {"rule": f"%{rule}%"})
    return [state for (state,) in found]


def test_an_agent_whose_clock_jumps_believes_its_manifests_and_dates_its_reports_right(
    world: World, place: AgentPlace
) -> None:
    world.remote.push("Alert late", {"org/slow.yaml": SLOW_RULE})
    clock = JumpingClock(world.folder / "agent-clock")
    world.children[f"agent {place.name}"].kill()
    world.start_agent(place, env=clock.environment)
    comes(world, place, "before")
    (place.root / "var/lib/office/broken").touch()
    wait_until("the alert waits", lambda: alerts(world, "long-broken") == ["pending"], PATIENCE)
    count = len(runs(world, place))

    for days in (30, -30):
        clock.jump(days * DAY)
        comes(world, place, f"day {days}")
        started = time.time() * 1000
        support = place.root / "etc/office/support.txt"
        support.write_text("drift\n")
        wait_until("drift is corrected", lambda support=support: support.read_text() != "drift\n")
        wait_until("and told", lambda count=count: len(runs(world, place)) == count + 2, PATIENCE)
        count += 2
        newest = device(world, place.name)["run"]
        assert abs(newest["finished_at"] - started) < 120_000

    shown = device(world, place.name)
    assert shown["refusals"] == []
    assert shown["state"] == "UpToDate"
    assert alerts(world, "long-broken") == ["pending"]
    assert len(runs(world, place)) == count     # two a jump: the change and the drift, no storm

    (place.root / "var/lib/office/broken").unlink()
    wait_until("nothing waits", lambda: alerts(world, "long-broken") == [], PATIENCE)


def test_a_device_that_began_with_a_wrong_clock_and_no_server_is_seen_as_it_is_now(
    world: World, place: AgentPlace
) -> None:
    before = len(runs(world, place))
    clock = JumpingClock(world.folder / "early-clock", 30 * DAY)
    world.children[f"agent {place.name}"].kill()
    world.server.kill()
    support = place.root / "etc/office/support.txt"
    support.write_text("drift while alone\n")
    world.start_agent(place, env=clock.environment)
    wait_until("drift is corrected", lambda: "alone" not in support.read_text())
    world.start_server()

    wait_until("that is told", lambda: len(runs(world, place)) > before, PATIENCE)
    told = len(runs(world, place))
    assert device(world, place.name)["run"]["finished_at"] < ahead()        # no later than the server's own time
    support.write_text("drift again\n")
    wait_until("and what comes after it", lambda: len(runs(world, place)) > told, PATIENCE)

    run = device(world, place.name)["run"]
    assert run["finished_at"] < ahead()
    assert run["resources"]


def ahead() -> float:
    """A moment that nobody's clock should have reached, ms UTC."""
    return (time.time() + 10 * DAY) * 1000


def test_a_server_whose_clock_jumps_goes_on_and_no_device_refuses_it(world: World, place: AgentPlace) -> None:
    clock = JumpingClock(world.folder / "server-clock")
    world.server.kill()
    world.start_server(clock.environment)
    world.children[f"agent {place.name}"].kill()
    world.start_agent(place)
    comes(world, place, "before the server's jump")
    count = len(runs(world, place))

    for number, days in enumerate((10, 0), 1):
        clock.jump(days * DAY)
        comes(world, place, f"server {days}")
        world.children[f"agent {place.name}"].kill()
        world.start_agent(place)        # it learns the new time in the handshake
        comes(world, place, f"server {days}, linked anew")
        assert len(runs(world, place)) == count + 2 * number

    support = place.root / "etc/office/support.txt"
    support.write_text("drift\n")
    wait_until("drift is told by the right time", lambda: len(runs(world, place)) == count + 5, PATIENCE)
    shown = device(world, place.name)
    assert shown["refusals"] == []
    assert shown["state"] == "UpToDate"
    assert shown["run"]["finished_at"] < ahead()
    assert any(one["change"] == "corrective" for one in shown["run"]["resources"])
    assert world.server.running
