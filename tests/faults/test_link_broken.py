"""A real agent whose link is cut, frozen, slow or without WebSockets: it spools, comes back, in order, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tools.lab.office import PATIENCE, device, holds, note, office, settle
from tools.lab.proxy import Proxy
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"


class Box:
    """What stands between agents and server: lets everything through, or no WebSocket."""

    def __init__(self) -> None:
        self.server = 0
        self.sockets = True

    def __call__(self, head: bytes) -> int | None:
        upgrade = b"upgrade: websocket" in head.lower()
        return None if upgrade and not self.sockets else self.server


@pytest.fixture(scope="module")
def box() -> Box:
    return Box()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, box: Box) -> Proxy:
    return Proxy(box, tmp_path_factory.getbasetemp() / "link" / "server" / "keys")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, box: Box, proxy: Proxy) -> Iterator[World]:
    """A world whose agents reach the server through the box."""
    folder = tmp_path_factory.mktemp("link", numbered=False)
    with office(folder, settings={"GURU_SERVER_URL": proxy.url}) as made:
        box.server = made.port
        proxy.start()
        try:
            yield made
        finally:
            proxy.stop()


@pytest.fixture(scope="module")
def place(world: World) -> AgentPlace:
    return settle(world, "acme-pc01")


def again(world: World, place: AgentPlace) -> None:
    """A new agent process on the same state: its back-off begins anew."""
    world.children[f"agent {place.name}"].stop()
    world.start_agent(place)


def drift(place: AgentPlace) -> None:
    """Change something by hand, and wait until the agent has put it right."""
    support = place.root / "etc/office/support.txt"
    wanted = support.read_text()
    support.write_text("drifted\n")
    wait_until("the drift is corrected", lambda: support.read_text() == wanted)


def corrections(world: World) -> list[int]:
    """When each corrective run ended, in the order in which the reports were made."""
    bodies = [json.loads(body) for (body,) in rows(world.database_url, "SELECT body FROM run")]
    return sorted(
        body["finished_at"] for body in bodies
        if any(one["change"] == "corrective" for one in body["resources"])
    )


def samples(world: World, place: AgentPlace) -> list[int]:
    me = device(world, place.name)["id"]
    query = "SELECT ts FROM sample_head WHERE device = :device ORDER BY ts"
    return [ts for (ts,) in rows(world.database_url, query, {"device": me})]


def spooled(place: AgentPlace, kind: str) -> list[Any]:
    """The bodies of this kind that wait in the agent's spool, the oldest first."""
    query = "SELECT body FROM spool WHERE kind = :kind ORDER BY seq"
    found = rows(f"sqlite:///{place.state / 'agent.db'}", query, {"kind": kind})
    return [json.loads(body) for (body,) in found]


def link(world: World, place: AgentPlace) -> Any:
    """What the agent itself says of its link."""
    found = rows(f"sqlite:///{place.state / 'agent.db'}", "SELECT value FROM fact WHERE name = 'link'")
    return json.loads(found[0][0])


def test_what_happened_while_the_link_was_cut_arrives_once_it_is_back(
    world: World, place: AgentPlace, proxy: Proxy
) -> None:
    before = len(corrections(world))

    proxy.cut()
    wait_until("the agent notices", lambda: link(world, place)["state"] == "down")
    drift(place)
    drift(place)
    wait_until("reports and samples wait", lambda: len(spooled(place, "sample")) >= 3 and
               len(spooled(place, "report")) >= 1)
    told, reports = corrections(world), [body["run"] for body in spooled(place, "report")]
    times = [body[1] for body in spooled(place, "sample")]
    proxy.mend()
    again(world, place)
    wait_until("nothing of it waits", lambda: not spooled(place, "report"), PATIENCE)
    newest = max(times)
    wait_until("samples arrive", lambda: max(samples(world, place)) >= newest, PATIENCE)

    assert len(told) == before
    assert len(corrections(world)) == before + len(reports)
    assert set(times) <= set(samples(world, place))
    assert set(reports) <= {run for (run,) in rows(world.database_url, "SELECT run FROM run")}


def test_a_frozen_link_is_given_up_and_made_anew(world: World, place: AgentPlace, proxy: Proxy) -> None:
    again(world, place)
    wait_until("it is linked", lambda: link(world, place)["state"] == "up", PATIENCE)
    before = len(corrections(world))

    proxy.freeze()
    drift(place)
    wait_until("the agent notices", lambda: link(world, place)["state"] == "down", 90)
    log = world.children[f"agent {place.name}"].output()
    told = len(corrections(world))
    proxy.cut()                         # what was frozen is gone for good
    proxy.mend()
    wait_until("the report arrives", lambda: len(corrections(world)) == before + 1, PATIENCE)

    assert "the link is frozen" in log
    assert told == before


def test_a_slow_link_carries_everything(world: World, place: AgentPlace, proxy: Proxy) -> None:
    again(world, place)
    proxy.slow(0.2)
    text = "slow " * 1000
    revision = world.remote.push("Say much", {"org/note.yaml": note(PATH, text)})

    wait_until("the device has it", lambda: holds(place, PATH, text), PATIENCE)
    wait_until("it says so", lambda: device(world, place.name)["applied_revision"] == revision, PATIENCE)
    proxy.mend()

    assert link(world, place)["state"] == "up"


def test_without_websockets_the_agent_falls_back_to_long_poll(
    world: World, place: AgentPlace, box: Box, proxy: Proxy
) -> None:
    before = len(corrections(world))
    box.sockets = False
    again(world, place)
    wait_until("it is linked", lambda: link(world, place) | {"since": 0} == {
        "state": "up", "carrier": "long-poll", "since": 0,
    }, PATIENCE)

    revision = world.remote.push("Say polled", {"org/note.yaml": note(PATH, "polled")})
    wait_until("the device has it", lambda: holds(place, PATH, "polled"), PATIENCE)
    wait_until("it says so", lambda: device(world, place.name)["applied_revision"] == revision, PATIENCE)
    drift(place)
    wait_until("a report arrives", lambda: len(corrections(world)) == before + 1, PATIENCE)

    box.sockets = True
    again(world, place)
    wait_until("it takes the better way again", lambda: link(world, place)["carrier"] == "websocket", PATIENCE)
