"""Quotas: each thing that is counted ends where the tenant's own limit is, and at nobody else's."""

from __future__ import annotations

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guru_policy.errors import Refused
from guru_server.accounts import accounts
from guru_server.api.pacing import Limits, Pace, Paced, Weights
from guru_server.identity import people
from guru_server.store.binding import LANDLORD
from guru_server.store.database import Database
from guru_server.tenants import store
from guru_server.tenants.quotas import Quotas, make_room, quotas_of
from tests.server.conftest import Api


async def allow(db: Database, name: str, **most: int) -> None:
    await db.of(LANDLORD).write(lambda connection: store.allow(connection, name, Quotas(**most), 1))


async def test_there_is_room_up_to_the_number_and_for_others_without_end(db: Database) -> None:
    await db.of(LANDLORD).write(lambda connection: store.create(connection, "rival", Quotas(), 1))
    await allow(db, "main", devices=2)
    await db.write(lambda connection: make_room(connection, "devices", lambda: 1))
    await db.of("rival").write(lambda connection: make_room(connection, "devices", lambda: 10**9))
    with pytest.raises(Refused, match="may have 2 devices, and has 2"):
        await db.write(lambda connection: make_room(connection, "devices", lambda: 2))

    assert await db.read(quotas_of) == Quotas(devices=2)


async def test_keys_and_people_end_at_their_quota(db: Database) -> None:
    await allow(db, "main", keys=1, people=1)

    async def make(name: str) -> None:
        await db.write(lambda c: people.create(
            c, "main", name, "", now=1, ttl=60, actor="server", kind="key") and None)

    async def join(name: str) -> None:
        code = await db.write(lambda c: accounts.invite(c, "main", name, "", now=1, actor="server"))
        await db.write(lambda c: accounts.accept(c, "main", code, "digest", now=1) and None)

    await make("ci")
    await join("ada")
    await join("ada")                   # the same person again is nobody new
    for one, word in ((make("cd"), "API keys"), (join("bob"), "people")):
        with pytest.raises(Refused, match=word):
            await one


async def test_devices_jobs_and_kept_output_end_at_their_quota(api: Api) -> None:
    made = (await api.http.post("/enrolment-tokens", json={"customer": "acme", "site": "hq", "uses": 5})).json()
    await api.device("web1")
    await allow(api.db, "main", jobs=1, output=1)
    ask = {"argv": ["true"], "selector": "name=web1", "max_devices": 5}
    first, second = [await api.http.post("/jobs", json=ask) for _ in range(2)]
    api.clock.now += 3_600_001
    third = await api.http.post("/jobs", json=ask)

    assert made["token"]
    assert [one.status_code for one in (first, second, third)] == [201, 403, 201]
    assert "jobs an hour" in second.text


async def test_all_people_and_keys_of_a_tenant_share_one_pace(api: Api) -> None:
    free = {kind: Pace(0, 1.0) for kind in ("reads", "writes", "expensive")}
    limits = Limits(api.clock, free, {}, Pace(3, 0.5))  # type: ignore[arg-type]

    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("hello")(scope, receive, send)

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        Request(scope).state.person = people.Person(scope["path"], scope["path"][1:], "", None)
        await paced(scope, receive, send)

    paced = Paced(hello, limits=limits, weights=Weights([], ""))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(named), base_url="https://guru.example") as http:
        told = [await http.get(f"/{name}") for name in ("ada", "bob", "ci", "dan")]
        api.clock.now += 2_000
        later = await http.get("/eve")

    assert [one.status_code for one in told] == [200, 200, 200, 429]
    assert (told[3].headers["retry-after"], later.status_code) == ("2", 200)
