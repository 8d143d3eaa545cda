"""The audit log under kill -9 and with two servers on one PostgreSQL: no gap, no fork, and anchored all the same."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.client import HTTPException

import pytest

from tools.lab.ports import free_port
from tools.lab.processes import Child
from tools.lab.rows import rows
from tools.lab.world import World, wait_until

pytestmark = pytest.mark.fault

STAGES = ("audit-signed", "audit-anchored")
COUNT = "SELECT count(*), min(seq), max(seq) FROM audit"


@pytest.fixture(scope="module", params=["sqlite"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server that signs its log every second into a file, without a repository to watch."""
    cluster = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = cluster.fresh(empty=True) if cluster else None
    folder = tmp_path_factory.mktemp("audit")
    made = World(folder, database=url, settings={
        "GURU_SERVER_AUDIT__EVERY": "1", "GURU_SERVER_AUDIT__ANCHOR__FILE": str(folder / "anchor")})
    try:
        made.prepare()
        made.start_server()
        made.guru("login", made.url, "--pin", made.pin, env={"GURU_TOKEN": made.token})
        yield made
    finally:
        made.stop()
        if cluster and url:
            cluster.drop(url)


def deeds(world: World, number: int, url: str = "") -> int:
    """Make enrolment tokens through the API, one after the other; how many were answered."""
    body = json.dumps({"customer": "acme", "site": "hq", "uses": 1, "ttl": 60}).encode()
    headers = {"Authorization": f"Bearer {world.token}", "Content-Type": "application/json"}
    made = 0
    for _ in range(number):
        ask = urllib.request.Request(f"{url or world.url}/api/v1/enrolment-tokens", body, headers, method="POST")
        try:
            with urllib.request.urlopen(ask, timeout=20, context=world.trust()) as answer:
                made += answer.status == 201
        except (OSError, HTTPException):
            continue                    # it is dead, or died while it answered
    return made


def tokens(world: World) -> int:
    """The enrolment tokens that are in the database."""
    return int(rows(world.database_url, "SELECT count(*) FROM enrolment_token")[0][0])


def made(world: World, number: int) -> bool:
    """Whether there are so many."""
    return tokens(world) >= number


def verified(world: World) -> dict[str, object]:
    """What the server says, and then what this computer says with the anchor in hand."""
    assert world.ask("audit", "verify")["ok"]
    return dict(world.ask("audit", "verify", "--anchor", str(world.folder / "anchor")))


def anchored(world: World) -> int:
    """The newest row whose checkpoint is in the file."""
    path = world.folder / "anchor"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return max((line["seq"] for line in lines), default=0)


@pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)
def test_a_server_that_is_killed_between_rows_and_signatures_leaves_one_whole_chain(world: World) -> None:
    ends = []
    for stage in STAGES:
        world.server.kill()
        world.start_server({"GURU_SERVER_KILL_AT": stage}, wait=False)
        wait_until(f"it dies at {stage}", lambda: deeds(world, 1) == 0 and not world.server.running)
        ends.append(world.server.exit_code)
        world.start_server()
    counts: list[int] = []
    for _ in range(3):
        work, before = threading.Thread(target=lambda: counts.append(deeds(world, 6))), tokens(world)
        work.start()
        wait_until("the second is there, and so the first was answered", partial(made, world, before + 2))
        world.server.kill()
        work.join()
        world.start_server()
    deeds(world, 1)
    [(_, _, last)] = rows(world.database_url, COUNT)
    wait_until("all of it is anchored", lambda: anchored(world) >= last)
    told = rows(world.database_url, "SELECT count(*) FROM audit WHERE action = 'EnrolmentTokenCreated'")[0][0]
    there = tokens(world)

    assert ends == [-signal.SIGKILL] * len(STAGES)
    assert told == there >= sum(counts) >= 3
    assert verified(world)["ok"]


def second(world: World) -> tuple[Child, str]:
    """Another server on the same database, with a data folder of its own and the same keys."""
    data = world.folder / "second"
    data.mkdir(mode=0o700)
    shutil.copytree(world.keys, data / "keys")
    address = f"127.0.0.1:{free_port()}"
    url = f"https://{address}"
    child = world.start_program("second", "serve", {
        "GURU_SERVER_DATA": str(data), "GURU_SERVER_LISTEN": address, "GURU_SERVER_URL": url})
    return child, url


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
def test_two_servers_that_tell_at_the_same_time_make_one_chain_without_gap_or_fork(world: World) -> None:
    other, url = second(world)
    counts: list[int] = []
    wait_until("the second one answers", lambda: "listening on" in other.output())
    work = [threading.Thread(target=lambda url=url: counts.append(deeds(world, 8, url)))  # type: ignore[misc]
            for url in (world.url, url, world.url, url)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    [(count, first, last)] = rows(world.database_url, COUNT)
    wait_until("all of it is anchored", lambda: anchored(world) >= last)

    assert counts == [8] * 4
    assert (count, first) == (last, 1)
    assert verified(world)["ok"]
