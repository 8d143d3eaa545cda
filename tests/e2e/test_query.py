"""SQL on real agents: rows of those that are there, and the others named."""

from __future__ import annotations

import json

import pytest

from tools.lab.world import World, wait_until

pytestmark = pytest.mark.e2e


def linked(world: World, *names: str) -> None:
    for name in names:
        world.start_agent(world.enrol(name, "acme", "hq"))

    def all_here() -> bool:
        rows = world.get("/devices")["items"]
        return {row["name"] for row in rows if row["online"]} >= set(names)

    wait_until("the devices are linked", all_here)


def test_devices_answer_in_sql_and_one_that_is_away_is_named(world: World) -> None:
    linked(world, "acme-pc01", "acme-pc02")
    world.enrol("acme-pc03", "acme", "hq")

    found = world.guru("query", "select version, root from agent", "-l", "site=hq", "-o", "json", check=False)

    document = json.loads(found.out)
    assert [row["device"] for row in document["rows"]] == ["acme-pc01", "acme-pc02"]
    assert all(row["root"] for row in document["rows"])
    assert [one["device"] for one in document["missing"]] == ["acme-pc03"]
    assert "offline: acme-pc03" in found.err
    assert found.exit_code == 6


def test_totals_come_from_all_answers(world: World) -> None:
    linked(world, "acme-pc01", "acme-pc02")

    found = world.guru(
        "query", "select filename from files where directory = '/etc/office'", "-o", "json",
        "--reduce", "select filename, count(*) as devices from rows group by filename")

    assert {row["devices"] for row in json.loads(found.out)["rows"]} == {2}


def test_a_query_that_a_device_cannot_answer_says_why(world: World) -> None:
    linked(world, "acme-pc01")

    found = world.guru("query", "select * from files", "acme-pc01", check=False)

    assert found.exit_code == 1
    assert "files needs to know path or directory" in found.err


def test_a_query_that_never_ends_is_ended(world: World) -> None:
    linked(world, "acme-pc01")
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"

    found = world.guru("query", endless, "acme-pc01", "--timeout", "1s", check=False)

    assert found.exit_code == 7
    assert "longer than 1 s" in found.err


def test_queries_are_in_the_list_of_jobs(world: World) -> None:
    linked(world, "acme-pc01")
    world.guru("query", "select\n  1", "acme-pc01")

    (row,) = world.get("/jobs")["items"]
    assert row["what"] == "query select 1"
