"""A gateway as its own process on PostgreSQL: agents converge through it, and outlive its death."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator

import pytest

from tests.conftest import Cluster
from tests.faults.sender import Sender, stored
from tools.lab.office import PATIENCE, device, holds, note, office, settle
from tools.lab.ports import free_port
from tools.lab.proxy import Proxy
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PATH = "/etc/office/note.txt"


class Balancer:
    """Links go to the gateway and all else to the server, by one address."""

    def __init__(self) -> None:
        self.server = self.gateway = free_port()

    def __call__(self, head: bytes) -> int:
        return self.gateway if b" /link" in head.split(b"\r\n", 1)[0] else self.server


def start_gateway(world: World, port: int) -> None:
    """The gateway with the keys that it may have. Whoever opens one of the others waits for ever."""
    data = world.folder / "gateway"
    keys = data / "keys"
    if not keys.exists():
        keys.mkdir(mode=0o700, parents=True)
        data.chmod(0o700)
        for name in ("link.key", "tls.key", "tls.crt"):
            shutil.copy(world.keys / name, keys / name)
        for name in ("state.key", "ca.key"):
            os.mkfifo(keys / name, 0o600)
    world.start_program("gateway", "gateway", {
        "GURU_SERVER_DATA": str(data), "GURU_SERVER_LISTEN": f"127.0.0.1:{port}",
    })


@pytest.fixture(scope="module")
def balancer() -> Balancer:
    return Balancer()


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, postgres: Cluster, balancer: Balancer
) -> Iterator[World]:
    """A world whose links end in a gateway of its own."""
    url = postgres.fresh(empty=True)
    folder = tmp_path_factory.mktemp("gateway")
    proxy = Proxy(balancer, folder / "server" / "keys")
    with office(folder, database=url, settings={"GURU_SERVER_URL": proxy.url}) as made:
        proxy.start()
        try:
            balancer.server = made.port
            start_gateway(made, balancer.gateway)
            yield made
        finally:
            proxy.stop()
    postgres.drop(url)


@pytest.fixture(scope="module")
def place(world: World) -> AgentPlace:
    return settle(world, "acme-pc01")


async def test_agents_of_a_killed_gateway_come_back_and_nothing_is_lost_or_doubled(
    world: World, place: AgentPlace, balancer: Balancer
) -> None:
    sender = await Sender.enrolled(world, "acme-ledger")
    running = asyncio.create_task(sender.run())
    sender.fill(10)
    await sender.settled()
    sender.fill(10)
    world.children["gateway"].kill()
    sender.fill(10)
    revision = world.remote.push("Say one", {"org/note.yaml": note(PATH, "one")})

    def compiled() -> bool:
        return bool(world.get("/status")["attempted_revision"] == revision)

    await asyncio.to_thread(wait_until, "the server goes on", compiled)
    assert not holds(place, PATH, "one")
    start_gateway(world, balancer.gateway)
    await sender.settled()
    await asyncio.to_thread(wait_until, "the agent is back", lambda: holds(place, PATH, "one"), PATIENCE)

    def said() -> bool:
        return bool(device(world, place.name)["applied_revision"] == revision)

    await asyncio.to_thread(wait_until, "it says so", said, PATIENCE)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert sender.lost == []
    assert len(sender.marks) >= 2
    assert stored(world, sender) == sender.sent


def test_a_gateway_works_without_the_state_key_and_without_the_server(
    world: World, place: AgentPlace
) -> None:
    links = rows(world.database_url, "SELECT connected FROM device_state s JOIN device d ON d.id = s.device"
                 " WHERE d.name = 'acme-pc01' AND connected IS NOT NULL")
    world.server.kill()
    support = place.root / "etc/office/support.txt"
    support.write_text("drift\n")
    wait_until("it is corrected", lambda: support.read_text() != "drift\n", PATIENCE)

    def corrective() -> bool:
        found = rows(world.database_url, "SELECT count(*) FROM run WHERE body LIKE '%corrective%'")
        return bool(found[0][0])

    wait_until("the gateway stores the report alone", corrective, PATIENCE)
    world.start_server()

    assert world.children["gateway"].running
    assert len(links) == 1


def test_a_gateway_is_refused_on_sqlite(world: World) -> None:
    child = world.start_program("gateway on sqlite", "gateway", {
        "GURU_SERVER_DATA": str(world.folder / "gateway"), "GURU_SERVER_LISTEN": f"127.0.0.1:{free_port()}",
        "GURU_SERVER_DATABASE": f"sqlite:///{world.folder / 'x.db'}",
    }, wait=False)

    assert child.wait(60) == 8
    assert "needs PostgreSQL" in child.output()
