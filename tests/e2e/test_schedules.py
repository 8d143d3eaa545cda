"""From Git to a real agent with no server in reach: it runs schedules, asks queries, and tells of both later."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tools.lab.office import PATIENCE, device, office, settle
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

QUERY = """apiVersion: guru/v1
kind: Query
metadata: {{name: {name}}}
spec: {{sql: "select filename from files where directory = '/watched'", every: 1m}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with office(tmp_path_factory.mktemp("schedules")) as made:
        made.remote.push("Schedules", {"org/schedules.yaml": SCHEDULES})
        made.guru("sync")
        yield made


@pytest.fixture(scope="module")
def place(world: World) -> AgentPlace:
    return settle(world, PC)


def test_it_runs_with_the_server_away_is_told_later_and_is_ended_from_the_server(
    world: World, place: AgentPlace
) -> None:
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


def test_a_query_is_asked_with_the_server_away_and_what_came_is_told_later(world: World, place: AgentPlace) -> None:
    name = soon(world.get(f"/devices/{PC}")["id"])
    (place.root / "watched").mkdir()
    world.remote.push("Watch a folder", {"org/watched.yaml": QUERY.format(name=name)})
    world.guru("sync")
    wait_until("the first answer is told", lambda: bool(holders(world, name)), PATIENCE)
    world.server.stop()
    world.children[f"agent {PC}"].stop()
    (place.root / "watched" / "new").touch()
    world.start_agent(place)
    wait_until("it is seen with nobody to tell", lambda: seen(place, name) == 1, PATIENCE)
    again = time.time() * 1000
    world.start_server()
    wait_until("it is told", lambda: bool(changes(world, name)), PATIENCE)
    wait_until("its new link is noted, once a second", lambda: device(world, PC)["last_seen"] > again, PATIENCE)
    kept, live = (world.ask("query", "--saved", name, PC, *more) for more in ((), ("--live",)))
    told = world.ask("events", "--type", "query.changed", "--since", "1h")

    assert [(one["change"], one["row"]) for one in changes(world, name)] == [("added", {"filename": "new"})]
    assert [one["rows"] for one in (kept, live)] == [
        [{"device": PC, "customer": "acme", "site": "hq", "filename": "new"}]] * 2
    assert [one["data"]["rows_added"] for one in told["items"]] == [[{"filename": "new"}]]


def soon(device: str) -> str:
    """A name for a query that this device asks within a second of when it hears of it."""
    for number in range(10_000):
        name = f"watched-{number}"
        if int.from_bytes(hashlib.sha256(f"{device}:{name}".encode()).digest()[:4]) * 60 < 1 << 32:
            return name
    raise AssertionError("no such name")


def holders(world: World, name: str) -> list[Any]:
    return list(world.get(f"/queries/rows?name={name}")["devices"])


def changes(world: World, name: str) -> list[Any]:
    return list(world.get(f"/queries/changes?name={name}")["items"])


def seen(place: AgentPlace, name: str) -> int:
    """How many rows the agent has written down to tell."""
    with closing(database(place.state)) as sql:
        row = sql.execute("SELECT value FROM fact WHERE name GLOB ?", (f"inventory:query:{name}:*",)).fetchone()
    return len(json.loads(row[0])) if row else 0


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
