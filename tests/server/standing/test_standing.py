"""Answers to standing queries, as the server keeps and tells them: rows, what came and went, events, and for whom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from guru_policy.errors import InputInvalid
from guru_policy.fleet import Fleet
from guru_policy.inventory import Place
from guru_policy.query.kept import Value, of_query
from guru_server.events.tables import event
from guru_server.gateway.items import Received
from guru_server.in_force import InForce
from guru_server.inventory import queries
from guru_server.inventory.recording import recorder, wanted
from guru_server.reconcile.tables import customer_source
from guru_server.standing import reading
from guru_server.standing.api import Desk, router
from guru_server.store.schema import TENANT
from guru_wire.inventory import InventoryDelta
from tests.policy.writing import fleet, written
from tests.server.conftest import Api
from tests.server.door import admitted

SQL, COLUMNS = "select username, uid from users", ("username", "uid")
FILES = {
    "org/users.yaml": written("Query", "users", f"{{sql: '{SQL}', every: 10m}}"),
    "customers/birch/own.yaml": written("Query", "own", "{sql: select 1 as one}"),
}
ROOT, ANNA, BEN = ("root", 0), ("anna", 1000), ("ben", 1001)
REVISION = "a" * 40


def state(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest() if name else ""


async def say(
    api: Api, device: str, basis: str, now: str, rows: Sequence[Sequence[Value]] = (),
    removed: Sequence[Sequence[Value]] = (), *, name: str = "users", sql: str = SQL, **more: Any,
) -> None:
    """What a device says of its answer: from one named state of it to another."""
    fields = {"columns": COLUMNS, "at": api.clock(), **more}
    keys = tuple(of_query(name, COLUMNS).key_of(row) for row in removed)
    body = InventoryDelta(
        table=f"query:{name}", basis=state(basis), digest=state(now), rows=tuple(map(tuple, rows)), removed=keys,
        about=state(sql), **fields,
    ).model_dump(mode="json")
    await api.db.write(lambda connection: recorder(api.clock)(connection, [Received(TENANT, device, 1, body)]))


@dataclass
class Asked:
    """The API with two queries in force; `http` asks about them."""

    api: Api
    http: httpx.AsyncClient

    async def get(self, path: str, **query: object) -> Any:
        answer = await self.http.get(path, params={name: str(value) for name, value in query.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, **query: object) -> list[list[Value]]:
        return [one["values"] for one in (await self.get("/queries/rows", name="users", **query))["rows"]]

    async def history(self, **query: object) -> list[tuple[str, str]]:
        found = await self.get("/queries/changes", name="users", **query)
        return [(one["change"], one["row"]["username"]) for one in found["items"]]

    async def events(self) -> list[dict[str, Any]]:
        found = await self.api.db.read(lambda connection: connection.execute(
            select(event.c.data).where(event.c.type == "query.changed")).scalars().all())
        return [json.loads(one) for one in found]


@pytest.fixture
async def asked(api: Api) -> AsyncIterator[Asked]:
    found = fleet(FILES)

    async def load(revisions: Collection[str]) -> Mapping[str, Fleet]:
        return {REVISION: found}

    columns = {column.name for column in customer_source.c if not column.nullable}
    blank = {name: 0 for name in columns if str(customer_source.c[name].type) in ("BIGINT", "INTEGER")}
    await api.db.write(lambda connection: connection.execute(customer_source.insert(), [{
        **dict.fromkeys(columns, ""), **blank, "tenant": TENANT, "customer": customer, "org_revision": REVISION,
        "customer_revision": REVISION} for customer in ("acme", "birch")]))
    desk = Desk(api.db, InForce(api.db, None).labels, load)
    async with admitted(api.db, router(desk)) as http:
        yield Asked(api, http)


async def test_the_queries_in_force_are_listed_and_others_are_not_there(asked: Asked) -> None:
    found = await asked.get("/queries")
    missing = await asked.http.get("/queries/rows", params={"name": "user"})

    assert [(one["name"], one["scope"], one["every"]) for one in found["items"]] == [
        ("own", "customers/birch", 3600), ("users", "org", 600)]
    assert (missing.status_code, "users" in missing.json()["hint"]) == (404, True)


async def test_the_newest_rows_are_kept_and_what_came_and_went_is_history_and_an_event(asked: Asked) -> None:
    web = await asked.api.device("web1")
    await say(asked.api, web, "", "a", [ROOT, ANNA])
    first = (await asked.rows(), await asked.history(), await asked.events())
    asked.api.clock.forward(1000)
    await say(asked.api, web, "a", "b", [BEN], [ANNA])
    kept = await asked.get("/queries/rows", name="users", device="web1")

    assert first == ([["anna", 1000], ["root", 0]], [], [])
    assert await asked.rows() == [["ben", 1001], ["root", 0]]
    assert sorted(await asked.history(selector="name=web1")) == [("added", "ben"), ("removed", "anna")]
    assert [(one["query"], one["added"], one["removed"], one["rows_added"], one["name"])
            for one in await asked.events()] == [("users", 1, 1, [{"username": "ben", "uid": 1001}], "web1")]
    assert kept["columns"] == ["username", "uid"]
    assert [one["since"] is None for one in kept["rows"]] == [False, True]
    assert (kept["devices"][0]["rows"], kept["devices"][0]["old"], kept["total"]) == (2, False, 1)


async def test_a_snapshot_has_no_history_and_another_question_is_no_news(asked: Asked) -> None:
    web, db = await asked.api.device("web1"), await asked.api.device("db1")
    await say(asked.api, web, "", "a", [ROOT], snapshot=True)
    await say(asked.api, web, "a", "b", [ANNA], snapshot=True)
    await say(asked.api, db, "", "a", [ROOT])
    await say(asked.api, db, "", "c", [BEN], sql="select another")
    told = {one["name"]: one["old"] for one in (await asked.get("/queries/rows", name="users"))["devices"]}

    assert (await asked.history(), await asked.events()) == ([], [])
    assert told == {"db1": True, "web1": False}


async def test_a_look_that_failed_leaves_the_rows_and_says_why_until_there_is_an_answer(asked: Asked) -> None:
    web, new = await asked.api.device("web1"), await asked.api.device("web2")
    await say(asked.api, web, "", "a", [ROOT, ANNA])
    await say(asked.api, web, "a", "a", problem="away\x1b")
    await say(asked.api, web, "", "n", problem="and anew", columns=())
    await say(asked.api, new, "", "n", problem="never", columns=())
    problems = [one["problem"] for one in (await asked.get("/queries/rows", name="users"))["devices"]]
    kept = await asked.rows()
    await say(asked.api, web, "", "c", [ROOT])
    await say(asked.api, new, "", "c", [BEN])

    assert (problems, kept) == (["and anew", "never"], [["anna", 1000], ["root", 0]])
    assert await asked.history() == [("removed", "anna")]
    assert [one["problem"] for one in (await asked.get("/queries/rows", name="users"))["devices"]] == ["", ""]


async def test_what_does_not_fit_is_asked_for_anew_and_a_query_that_is_gone_takes_its_rows_along(asked: Asked) -> None:
    web = await asked.api.device("web1")
    await say(asked.api, web, "", "a", [ROOT])
    await say(asked.api, web, "x", "b", [BEN])
    stale = await asked.api.db.read(lambda connection: wanted(connection, TENANT, web))
    shown = await asked.rows()
    await say(asked.api, web, "", "c", gone=True)

    assert (stale, shown) == (True, [["root", 0]])
    assert (await asked.get("/queries/rows", name="users"))["total"] == 0


async def test_a_device_cannot_fill_the_database(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    web = await asked.api.device("web1")
    monkeypatch.setattr(queries, "MOST_QUERIES", 2)
    monkeypatch.setattr(queries, "MOST_CHANGES", 3)
    await say(asked.api, web, "", "0", [ROOT])
    await say(asked.api, web, "", "0", [ROOT], name="second")
    for number in range(6):
        asked.api.clock.forward(1000)
        await say(asked.api, web, str(number), str(number + 1), [(f"user{number}", number)])

    assert await asked.history() == [("added", f"user{number}") for number in (5, 4, 3)]
    first = await asked.get("/queries/changes", name="users", limit=2)
    assert await asked.history(limit=2, cursor=first["next"]) == [("added", "user3")]
    monkeypatch.setattr(reading, "_MOST_READ", 1)
    assert await asked.history() == [("added", f"user{number}") for number in (5, 4, 3)]
    for wrong in ({"name": "third"}, {"name": "Such a name"}, {"columns": ("username", "username")}):
        with pytest.raises(InputInvalid):
            await say(asked.api, web, "", "9", [], **wrong)
    with pytest.raises(InputInvalid):
        await say(asked.api, web, "", "9", [(f"user{number}", number) for number in range(queries.MOST_ROWS + 1)])


async def test_the_inventory_shows_no_answers_to_queries_which_take_another_right(asked: Asked) -> None:
    web = await asked.api.device("web1")
    await say(asked.api, web, "", "a", [ROOT])
    await say(asked.api, web, "a", "b", [ANNA])
    tables = (await asked.api.http.get("/inventory/tables/web1")).json()["tables"]
    changes = [(await asked.api.http.get("/inventory/changes/web1", params=query)).json()["items"]
               for query in ({}, {"table": "query:users"})]

    assert (tables, changes) == ([], [[], []])


async def test_many_devices_come_page_by_page(asked: Asked) -> None:
    for number in range(5):
        await say(asked.api, await asked.api.device(f"web{number}", Place("acme", "hq")), "", "a", [ROOT])
    pages, cursor = [], None
    while True:
        page = await asked.get("/queries/rows", name="users", limit=2, **({"cursor": cursor} if cursor else {}))
        pages.append([one["name"] for one in page["devices"]])
        cursor = page["next"]
        if cursor is None:
            break

    assert pages == [["web0", "web1"], ["web2", "web3"], ["web4"]]
