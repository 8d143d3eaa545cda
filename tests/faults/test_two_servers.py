"""Two real servers on one PostgreSQL: one reconciles, and whoever loses the lease stores nothing any more."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tools.lab.office import device, holds, note
from tools.lab.ports import free_port
from tools.lab.processes import Child
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"
LEASE = 60.0                            # seconds: its 15 s, the contender's look, and a busy machine


def second(world: World, settings: dict[str, str]) -> Child:
    """Another server on the same database, with a data folder of its own and the same keys."""
    data = world.folder / "second"
    if not data.exists():
        data.mkdir(mode=0o700)
        shutil.copytree(world.keys, data / "keys")
    return world.start_program("second", "serve", {
        "GURU_SERVER_DATA": str(data), "GURU_SERVER_LISTEN": f"127.0.0.1:{free_port()}", **settings,
    })


def leader(world: World) -> tuple[str, int]:
    """Who reconciles, and the number of its lease."""
    [(owner, fence)] = rows(world.database_url, "SELECT owner, fence FROM lease WHERE name = 'reconcile'")
    return owner, fence


def attempts(world: World, revision: str) -> list[tuple[str, int]]:
    """The outcome of a commit and its place among all attempts: one that is stored again moves."""
    query = "SELECT outcome, seq FROM revision WHERE revision = :revision"
    return [tuple(row) for row in rows(world.database_url, query, {"revision": revision})]


def state_of(child: Child) -> str:
    """R, S, T (stopped) ...: proc_pid_stat(5)."""
    return Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
def test_one_reconciles_and_the_other_takes_over_from_a_dead_and_from_a_frozen_one(
    world: World, place: AgentPlace
) -> None:
    mine, fence = leader(world)
    other = second(world, {"GURU_SERVER_STOP_AT": "signed"})
    serial = device(world, place.name)["serial"]

    revision = world.remote.push("Say one", {"org/note.yaml": note(PATH, "one")})
    wait_until("the device has it", lambda: holds(place, PATH, "one"))
    assert leader(world) == (mine, fence)
    assert device(world, place.name)["serial"] == serial + 1
    assert [outcome for outcome, _ in attempts(world, revision)] == ["published"]
    assert state_of(other) != "T"

    world.server.kill()
    revision = world.remote.push("Say two", {"org/note.yaml": note(PATH, "two")})
    wait_until("the second takes over", lambda: leader(world)[0] not in ("", mine), LEASE)
    wait_until("it freezes with the commit signed", lambda: state_of(other) == "T", LEASE)
    assert attempts(world, revision) == []

    world.start_server()
    wait_until("the first takes over", lambda: leader(world)[0] == mine, LEASE)
    wait_until("the commit is in force", lambda: bool(attempts(world, revision)), LEASE)
    before = attempts(world, revision), leader(world), device(world, place.name)["serial"]
    other.signal(signal.SIGCONT)
    wait_until("the second knows that it lost", lambda: "went to another server" in other.output(), LEASE)

    assert before[2] == serial + 2
    assert (attempts(world, revision), leader(world), device(world, place.name)["serial"]) == before
    assert other.running
