"""A full disk under the server and under an agent: honest words, nothing acknowledged lost, then it goes on."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.sender import Sender, stored
from tools.lab.disk import fill, make_room
from tools.lab.office import PATIENCE, device, holds, note
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"
LOG = 64 << 10                          # bytes: logs still fit, the database does not


async def test_a_server_without_room_says_so_and_loses_nothing_it_acknowledged(
    world: World, place: AgentPlace
) -> None:
    sender = await Sender.enrolled(world, "acme-ledger")
    running = asyncio.create_task(sender.run())
    sender.fill(5)
    await sender.settled()
    acknowledged = sender.acknowledged
    rows(world.database_url, "PRAGMA wal_checkpoint(TRUNCATE)")

    fill(world.server, 0)
    sender.fill(5)
    wanted = world.remote.push("Say room", {"org/note.yaml": note(PATH, "room")})
    await asyncio.sleep(3)              # a full disk for a while: nothing tells when enough has failed
    refused = await asyncio.to_thread(
        world.guru, "enroll", "token", "create", "--customer", "acme", "--site", "hq", "-o", "json", check=False
    )
    answered = await asyncio.to_thread(world.get, "/status")
    before = stored(world, sender)
    make_room(world.server)
    await sender.settled()

    def said() -> bool:
        return bool(device(world, place.name)["applied_revision"] == wanted)

    await asyncio.to_thread(wait_until, "the commit comes into force", said, PATIENCE)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert refused.exit_code == 7
    assert "database" in refused.err + refused.out
    assert answered["attempted_revision"] != wanted
    assert sender.acknowledged > acknowledged
    assert sum(before.values()) == 20
    assert sender.lost == []
    assert stored(world, sender) == sender.sent
    assert holds(place, PATH, "room")
    assert world.server.running


def test_an_agent_without_room_keeps_running_says_so_and_goes_on(world: World, place: AgentPlace) -> None:
    agent = world.children[f"agent {place.name}"]
    database = f"sqlite:///{place.state / 'agent.db'}"
    me = device(world, place.name)["id"]

    fill(agent, 0)
    world.remote.push("Say more", {"org/note.yaml": note(PATH, "more")})
    wait_until("a server that waits", lambda: device(world, place.name)["state"] != "UpToDate", PATIENCE)
    there = holds(place, PATH, "more")
    running = agent.running
    make_room(agent)
    world.remote.push("Say still more", {"org/note.yaml": note(PATH, "still more")})
    wait_until("it goes on", lambda: holds(place, PATH, "still more"), PATIENCE)
    wait_until("it is up to date", lambda: device(world, place.name)["state"] == "UpToDate", PATIENCE)
    kept = rows(database, "PRAGMA quick_check")
    doubled = rows(
        world.database_url,
        "SELECT run, count(*) FROM run WHERE device = :device GROUP BY run HAVING count(*) > 1", {"device": me},
    )

    assert (there, running) == (False, True)
    assert kept == [("ok",)]
    assert doubled == []
