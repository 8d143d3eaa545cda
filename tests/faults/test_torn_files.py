"""Files torn by a crash: the agent's database, bundle and journal, and the server's write-ahead log."""

from __future__ import annotations

import pytest

from tools.lab.office import PATIENCE, device, holds, note
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"


def agent_killed(world: World, place: AgentPlace) -> None:
    world.children[f"agent {place.name}"].kill()


def back(world: World, place: AgentPlace, content: str) -> None:
    """Push something new, and wait until the agent has that and says so."""
    revision = world.remote.push(f"Say {content}", {"org/note.yaml": note(PATH, content)})
    wait_until("it converges", lambda: holds(place, PATH, content), PATIENCE)
    wait_until("it says so", lambda: device(world, place.name)["applied_revision"] == revision, PATIENCE)


def test_a_torn_database_of_an_agent_is_set_aside_and_everything_fetched_again(
    world: World, place: AgentPlace
) -> None:
    agent_killed(world, place)
    database = place.state / "agent.db"
    rows(f"sqlite:///{database}", "PRAGMA wal_checkpoint(TRUNCATE)")
    whole = database.read_bytes()
    database.write_bytes(whole[: len(whole) // 2])

    world.start_agent(place)
    back(world, place, "after a torn database")

    assert list(place.state.glob("agent.db.damaged-*"))
    assert rows(f"sqlite:///{database}", "PRAGMA quick_check") == [("ok",)]
    assert device(world, place.name)["state"] == "UpToDate"


def test_a_torn_bundle_is_fetched_again(world: World, place: AgentPlace) -> None:
    agent_killed(world, place)
    torn = sorted((place.state / "blobs").iterdir())
    for blob in torn:
        blob.write_bytes(blob.read_bytes()[:10])
    (place.root / "etc/office/support.txt").unlink()
    world.start_agent(place)

    wait_until("it mends what needs them", (place.root / "etc/office/support.txt").exists, PATIENCE)

    assert torn
    back(world, place, "after a torn bundle")


def test_a_torn_log_of_an_agents_database_costs_no_state(world: World, place: AgentPlace) -> None:
    agent_killed(world, place)
    log = place.state / "agent.db-wal"
    if log.exists():
        log.write_bytes(log.read_bytes()[:-100])

    world.start_agent(place)
    back(world, place, "after a torn journal")

    assert rows(f"sqlite:///{place.state / 'agent.db'}", "PRAGMA quick_check") == [("ok",)]


def test_a_server_whose_log_was_torn_starts_and_agrees_with_itself(world: World, place: AgentPlace) -> None:
    world.server.kill()
    log = world.folder / "server" / "guru.db-wal"
    torn = log.read_bytes() if log.exists() else b""
    log.write_bytes(torn[:-2000])

    world.start_server()
    agent_killed(world, place)
    world.start_agent(place)
    back(world, place, "after a torn log")

    assert torn
    assert rows(world.database_url, "PRAGMA integrity_check") == [("ok",)]
    assert rows(
        world.database_url,
        "SELECT count(*) FROM device_state s JOIN manifest m ON m.device = s.device"
        " WHERE m.serial <> s.desired_serial",
    ) == [(0,)]
