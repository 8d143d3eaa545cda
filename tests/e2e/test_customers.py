"""Customers apart, on SQLite and PostgreSQL: a push reaches whom it is for, a bad one holds whom it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tools.lab.office import customer, device, holds, note, office, settle
from tools.lab.rows import rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

BIRCH = "customers/birch/policies/note.yaml"
ACME = "customers/acme/policies/note.yaml"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small office on each kind of database, with one agent of each customer."""
    cluster = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = cluster.fresh(empty=True) if cluster else None
    with office(tmp_path_factory.mktemp("customers"), database=url) as made:
        yield made
    if cluster:
        cluster.drop(url)


@pytest.fixture(scope="module")
def acme(world: World) -> AgentPlace:
    return settle(world, "acme-pc01")


@pytest.fixture(scope="module")
def birch(world: World) -> AgentPlace:
    return settle(world, "birch-pc01", "birch")


def attempted(world: World, revision: str) -> None:
    """Return once the server has dealt with this commit."""
    wait_until("the commit was tried", lambda: world.get("/status")["attempted_revision"] == revision)


def test_what_is_pushed_for_one_customer_never_comes_near_another(
    world: World, acme: AgentPlace, birch: AgentPlace
) -> None:
    before = device(world, "birch-pc01")["serial"]

    revision = world.remote.push("Tell acme a secret", {ACME: note("/etc/office/acme.txt", "only for acme")})
    world.guru("sync", "--wait", "--timeout", "60s")

    assert holds(acme, "/etc/office/acme.txt", "only for acme")
    assert device(world, "acme-pc01")["applied_revision"] == revision
    assert device(world, "birch-pc01")["serial"] == before
    kept = [file.read_bytes() for file in birch.state.rglob("*") if file.is_file()]
    assert not any(b"only for acme" in data for data in kept)


def test_a_bad_commit_is_held_with_its_reason_and_comes_into_force_once_it_is_mended(
    world: World, acme: AgentPlace, birch: AgentPlace
) -> None:
    good = world.remote.push("Say yes", {BIRCH: note("/etc/office/birch.txt", "yes")})
    wait_until("birch says yes", lambda: holds(birch, "/etc/office/birch.txt", "yes"))
    broken = note("/etc/office/birch.txt", "no").replace("kind: file", "kind: flie")

    bad = world.remote.push("Say no, badly", {
        BIRCH: broken, "org/both.yaml": note("/etc/office/both.txt", "both", "both"),
    })
    wait_until("acme has it", lambda: holds(acme, "/etc/office/both.txt", "both"))
    wait_until("birch has its part", lambda: holds(birch, "/etc/office/both.txt", "both"))
    held = customer(world, "birch")
    kept = holds(birch, "/etc/office/birch.txt", "yes")
    told = world.guru("status", "-o", "table").out
    mended = world.remote.push("Say no, well", {BIRCH: broken.replace("flie", "file")})
    wait_until("birch says no", lambda: holds(birch, "/etc/office/birch.txt", "no"))

    assert (held["state"], held["revision"], held["org_revision"], kept) == ("Held", good, bad, True)
    assert [fault["path"] for fault in held["faults"]] == [BIRCH]
    assert "birch" in told
    assert "Held" in told
    attempted(world, mended)
    assert (customer(world, "birch")["state"], customer(world, "birch")["revision"]) == ("InForce", mended)


def test_a_commit_that_deletes_too_much_is_refused_where_everybody_sees_it(
    world: World, acme: AgentPlace
) -> None:
    many = {f"org/many/{number}.yaml": note(f"/etc/office/{number}", "x", f"n{number}") for number in range(9)}
    good = world.remote.push("Add many", many)
    attempted(world, good)
    issued = rows(world.database_url, "SELECT device, serial, signed FROM manifest ORDER BY device")

    bad = world.remote.push("Delete them all", dict.fromkeys(many))
    attempted(world, bad)
    status: Any = world.ask("status")
    refused = rows(world.database_url, "SELECT device, serial, signed FROM manifest ORDER BY device")
    told = world.guru("status", "-o", "table").out
    freed = world.remote.push("Delete them all\n\nGuru-Allow-Delete: 9")
    wait_until("the consent works", lambda: customer(world, "acme")["org_revision"] == freed)

    conditions = {one["type"]: one for one in status["conditions"]}
    assert status["revisions"][0]["outcome"] == "refused"
    assert (conditions["Held"]["reason"], conditions["Ready"]["status"]) == ("CommitRefused", False)
    assert {one["org_revision"] for one in status["customers"]} == {good}
    assert refused == issued
    assert "CommitRefused" in told
