"""From Git to a real agent: a schedule runs with no server in reach, is told of later, and is ended from there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tools.lab.office import PATIENCE, office, settle
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

PC = "acme-pc01"
DAYS = 2 * 24 * 3_600_000
SCHEDULES = """apiVersion: guru/v1
kind: CommandTemplate
metadata: {name: tidy}
spec: {shell: sh, script: 'echo tidied >> "$GURU_ROOT/tidied"; echo "$PARAM_WORD"', params: {word: {type: string}}}
---
apiVersion: guru/v1
kind: CommandTemplate
metadata: {name: wait}
spec: {shell: sh, script: sleep 600, timeout: 15m}
---
apiVersion: guru/v1
kind: Schedule
metadata: {name: daily}
spec: {cron: 0 0 * * *, missed: once, template: tidy, params: {word: done}}
---
apiVersion: guru/v1
kind: Schedule
metadata: {name: endless}
spec: {cron: 0 0 * * *, missed: once, template: wait}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with office(tmp_path_factory.mktemp("schedules")) as made:
        made.remote.push("Schedules", {"org/schedules.yaml": SCHEDULES})
        made.guru("sync")
        yield made


def test_it_runs_with_the_server_away_is_told_later_and_is_ended_from_the_server(world: World) -> None:
    place = settle(world, PC)
    wait_until("the agent has both", lambda: schedules(place) == {"daily", "endless"}, PATIENCE)
    world.children[f"agent {PC}"].stop()
    world.server.stop()
    since_days(place)
    world.start_agent(place)
    tidied = place.root / "tidied"
    wait_until("it ran with nobody to ask", tidied.exists, PATIENCE)
    world.start_server()
    wait_until("it is told", lambda: runs(world).get("daily", {}).get("state") == "succeeded", PATIENCE)
    wait_until("the other one runs", lambda: runs(world).get("endless", {}).get("state") == "running", PATIENCE)
    told = world.guru("schedule", "cancel", runs(world)["endless"]["run"][:8]).out
    wait_until("it is ended", lambda: runs(world)["endless"]["state"] == "cancelled", PATIENCE)
    again = world.guru("schedule", "cancel", runs(world)["endless"]["run"], check=False)

    assert tidied.read_text() == "tidied\n"
    assert (runs(world)["daily"]["out"], runs(world)["daily"]["template"]) == ("done\n", "tidy")
    assert PC in told
    assert again.exit_code == 9


def runs(world: World) -> dict[str, Any]:
    return {one["schedule"]: one for one in world.get("/schedules/runs")["items"]}


def schedules(place: AgentPlace) -> set[str]:
    with closing(database(place.state)) as sql:
        return {str(row[0]) for row in sql.execute("SELECT name FROM schedule")}


def since_days(place: AgentPlace) -> None:
    """As if the device had been off for two days."""
    with closing(database(place.state)) as sql, sql:
        sql.execute("UPDATE schedule SET seen = seen - ?", (DAYS,))


def database(state: Path) -> sqlite3.Connection:
    return sqlite3.connect(state / "agent.db", timeout=10)
