"""Another tenant's valid identity gets what a stranger gets: at every route, on the link, on the bus, in the database.

Both tenants have customers, devices, alerts, jobs and people of the same names, and devices with the same ids.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import JsonValue
from sqlalchemy import Connection, Table, select
from starlette.types import ASGIApp, Receive, Scope, Send

from guru_server.api.app import Application
from guru_server.api.edge import Edge
from guru_server.bus import LocalBus, TenantBus
from guru_server.fleet.tables import device
from guru_server.gateway.items import KINDS
from guru_server.keys import keys
from guru_server.signer.near import near_folder
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_server.tables import metadata
from guru_server.tenants.switchboard import Switchboard
from guru_wire.enrolment import enrol_bytes, read_token
from guru_wire.signing import public_bytes, sign
from tests.server.gateway.conftest import Agent, Frame
from tests.server.reconcile.conftest import ident, motd, new_world
from tests.server.rights.conftest import ACME, Office, binding, hook_of, opened, role
from tests.server.rights.test_routes import PUBLIC, beside, routes

RIVAL, SECRET = "rival", "main-secret"
QUIET = {"audit", "audit_head", "audit_checkpoint", "token_address", "lease"}   # where strangers are told of
TOPICS = ("manifest", "inventory", "overrides", "checks", "orders", "job_news", "git", "revoked")
SENT: Mapping[str, object] = {
    "/devices/labels": {"selector": "name=*", "set": {"hit": "yes"}, "max_devices": 99},
    "/enrolment-tokens": {"customer": "acme", "site": "hq"}, "/keys": {"name": "mine", "ttl": 3600},
    "/jobs": {"argv": ["true"], "selector": "name=*", "max_devices": 99},
    "/overrides": {"path": "agent.heartbeat", "value": "30s", "selector": "name=*", "ttl": 600, "reason": "x"},
    "/maintenance": {"selector": "name=*", "reason": "x", "ttl": 600}, "/rollbacks": {"reason": "x"},
}


SCIM_PROVIDER = (
    "apiVersion: guru/v1\nkind: IdentityProvider\nmetadata: {name: corp}\nspec:\n  issuer: https://login.example\n"
    "  clientId: guru\n  domains: [example.com]\n  provisioning: {key: entra}\n"
)


@dataclass
class Street:
    """Two offices behind one switchboard, on one database and one bus."""

    main: Office
    rival: Office
    http: httpx.AsyncClient
    ids: dict[str, str]

    async def ask(self, door: str, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
        prefix = "/api/v1" if door == "main" else f"/t/{door}/api/v1"
        body = SENT.get(path, {"reason": "x"}) if method == "POST" else None
        real = re.sub(r"{(\w+)}", lambda found: self.ids.get(found[1], ident(ACME)), path)
        query = {"selector": "name=*", "verb": "device.read", "device": ident(ACME), "subject": "user:ada",
                 "path": "agent", "metric": "cpu"} if path not in ("/alerts", "/notifications") else {}
        return await self.http.request(method, prefix + real, json=body, params=query, headers=headers)


@pytest.fixture
async def street(db: Database, tmp_path: Path, server_keys: keys.ServerKeys) -> AsyncIterator[Street]:
    bus = LocalBus()
    folder = tmp_path / "rival-keys"
    keys.make_tenant(folder)
    rival_keys = keys.load_tenant(folder, near_folder(folder), server_keys)
    async with AsyncExitStack() as stack:
        offices = []
        for name, held in (("main", server_keys), (RIVAL, rival_keys)):
            here = tmp_path / name
            here.mkdir()
            one = bus if name == "main" else TenantBus(bus, name)
            world = await new_world(db.of(name), here, one)
            offices.append(await stack.enter_async_context(opened(world, here, held)))
        main, rival = offices
        await main.world.db.write(lambda connection: connection.execute(
            device.update().where(device.c.tenant == "main").values(facts=json.dumps({"note": SECRET}))).close())
        board = Switchboard(Edge(main.app))
        board.doors[RIVAL] = Edge(rival.app)
        transport = httpx.ASGITransport(from_everywhere(board), raise_app_exceptions=False)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="https://guru.example"))
        yield Street(main, rival, http, await _ids(main))


def scim_of(door: str) -> str:
    return "/scim/v2" if door == "main" else f"/t/{door}/scim/v2"


def from_everywhere(app: ASGIApp) -> ASGIApp:
    """Each request from an address of its own, so that none is turned away for the many before it."""
    numbers = count(1)

    async def sent(scope: Scope, receive: Receive, send: Send) -> None:
        number = next(numbers)
        await app({**scope, "client": (f"10.0.{number >> 8}.{number & 255}", 5)}, receive, send)

    return sent


async def _ids(office: Office) -> dict[str, str]:
    """Ids of what only the main tenant has, by the names that paths give them."""
    token = (await office.http.post("/enrolment-tokens", json={"customer": "acme", "site": "hq"})).json()
    key = (await office.http.post("/keys", json={"name": "ci", "ttl": 3600})).json()
    job = (await office.http.post("/jobs", json={"argv": ["true"], "selector": "name=apc1", "max_devices": 9})).json()
    return {"token_id": token["row"]["id"], "key_id": key["row"]["id"], "job": job["job"]["id"]}


def rows(connection: Connection) -> dict[str, list[str]]:
    """Everything of the connection's tenant that no stranger may change."""
    return {name: _of(connection, table) for name, table in metadata.tables.items() if name not in QUIET}


def _of(connection: Connection, table: Table) -> list[str]:
    mine = select(table).where(table.c.tenant == whose(connection)).order_by(*table.primary_key)
    return [str(row) for row in connection.execute(mine)]


async def test_a_token_is_a_strangers_at_another_tenants_door(street: Street) -> None:
    theirs = {"main": await street.rival.token("root", "admin"), RIVAL: await street.main.token("root", "admin")}
    nobody = {"authorization": "Bearer gurut_0000000000000000_" + "x" * 43}
    before = [await office.world.db.read(rows) for office in (street.main, street.rival)]
    told = []
    for door, headers in theirs.items():
        for method, path in sorted(routes(street.main.app)):    # type: ignore[arg-type]
            if path in PUBLIC:
                continue
            answer, stranger = [await street.ask(door, method, path, one) for one in (headers, nobody)]
            if answer.status_code != 401 or answer.json()["title"] != stranger.json()["title"]:
                told.append(f"{door} {method} {path}: {answer.status_code} {answer.text[:100]}")
    after = [await office.world.db.read(rows) for office in (street.main, street.rival)]

    assert told == []
    assert after == before


async def test_an_api_key_of_one_tenant_is_a_strangers_at_anothers_scim(street: Street) -> None:
    names = {"org/provider.yaml": SCIM_PROVIDER,
             "org/people-role.yaml": role("people", "    p: {verbs: [user.provision]}"),
             "org/key.yaml": binding("entra", "key:entra", "people", "org")}
    keys_of, made = {}, {}
    for door, office in (("main", street.main), (RIVAL, street.rival)):
        await office.push(names, "A provider")
        keys_of[door] = await office.token("entra", kind="key")
        person = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"dee-{door}"}
        answer = await street.http.post(f"{scim_of(door)}/Users", json=person, headers=keys_of[door])
        made[door] = answer.json()["id"]
    before = [await office.world.db.read(rows) for office in (street.main, street.rival)]
    assert isinstance(street.main.app, Application)
    told = []
    for door, other in (("main", RIVAL), (RIVAL, "main")):
        for method, path in sorted(beside(street.main.app)):
            real = path.replace("{ident}", made[door]).removeprefix("/scim/v2")
            answer = await street.http.request(method, scim_of(door) + real, json={}, headers=keys_of[other])
            if answer.status_code != 401:
                told.append(f"{door} {method} {path}: {answer.status_code} {answer.text[:100]}")
    alien = await street.http.get(f"{scim_of('main')}/Users/{made[RIVAL]}", headers=keys_of["main"])
    listed = (await street.http.get(f"{scim_of('main')}/Users", headers=keys_of["main"])).json()

    assert told == []
    assert [await office.world.db.read(rows) for office in (street.main, street.rival)] == before
    assert (alien.status_code, [one["userName"] for one in listed["Resources"]]) == (404, ["dee-main"])


async def test_an_admin_of_one_tenant_reaches_nothing_of_another_at_any_route(street: Street) -> None:
    root = await street.rival.token("root", "admin")
    before, told = await street.main.world.db.read(rows), {}
    mine = await street.rival.world.db.read(rows)
    hears = {topic: street.main.world.bus.subscribe(topic) for topic in TOPICS}
    for method, path in sorted(routes(street.rival.app)):       # type: ignore[arg-type]
        if path in PUBLIC:
            continue
        answer = await street.ask(RIVAL, method, path, root)
        echoed = answer.status_code in (400, 404, 422)          # what was asked comes back
        if SECRET in answer.text or (not echoed and any(one in answer.text for one in street.ids.values())):
            told[f"{method} {path}"] = answer.text[:200]
        assert answer.status_code != 500, (method, path, answer.text)

    assert told == {}
    assert await street.rival.world.db.read(rows) != mine       # what it tried did something, at home
    assert await street.main.world.db.read(rows) == before
    assert {topic: one._rang.is_set() for topic, one in hears.items()} == dict.fromkeys(TOPICS, False)
    assert SECRET in (await street.ask("main", "GET", "/devices/{ref}", await street.main.token("root", "admin"))).text


async def linked(street: Street, door: str, agent: Agent) -> tuple[str, Frame]:
    """A session of the link at this door, and the answer to the agent's Hello."""
    path = "/link/poll" if door == "main" else f"/t/{door}/link/poll"
    opening = (await street.http.post(path, json={"session": None, "messages": [], "wait": 0})).json()
    asked = {"session": opening["session"], "messages": [agent.hello(opening["messages"][0])], "wait": 0}
    return opening["session"], (await street.http.post(path, json=asked)).json()["messages"][0]


async def give_key(office: Office, agent: Agent, full: str) -> None:
    """Make the device's key this agent's."""
    public = base64.b64encode(public_bytes(agent.key)).decode()
    change = device.update().where(device.c.tenant == office.world.db.tenant, device.c.id == ident(full))
    await office.world.db.write(lambda c: c.execute(change.values(public_key=public)).close())


async def _try_links(street: Street) -> None:
    theirs, ours = Agent(ident(ACME), Ed25519PrivateKey.generate()), Agent(ident(ACME), Ed25519PrivateKey.generate())
    await give_key(street.main, theirs, ACME)
    await give_key(street.rival, ours, ACME)
    nobody = Agent("f" * 32, Ed25519PrivateKey.generate())
    answers = [
        (await linked(street, door, agent))[1]
        for door, agent in (("main", theirs), (RIVAL, ours), (RIVAL, theirs), ("main", ours), (RIVAL, nobody))
    ]

    assert [one["t"] for one in answers] == ["welcome", "welcome", "refused", "refused", "refused"]
    assert answers[2] == answers[3] == answers[4]


async def test_nothing_that_a_device_says_on_its_link_reaches_another_tenant(street: Street) -> None:
    """The rival's device has the id of one of main's, and names what only main has."""
    ours = Agent(ident(ACME), Ed25519PrivateKey.generate())
    await give_key(street.rival, ours, ACME)
    await street.main.push({"customers/acme/base.yaml": motd("base", SECRET)})
    (_, digest) = (await street.main.world.bundles())[ident(ACME)]
    before = await street.main.world.db.read(rows)
    hears = {topic: street.main.world.bus.subscribe(topic) for topic in TOPICS}
    gateway = asyncio.create_task(street.rival.jobs["gateway"]())   # type: ignore[arg-type]
    session, _ = await linked(street, RIVAL, ours)
    items: list[JsonValue] = [
        {"seq": at, "kind": kind, "body": {"job": street.ids["job"], "facts": {"os": "rival"}, "device": ident(ACME)}}
        for at, kind in enumerate((one for one in KINDS if one != "refused"), 1)
    ]
    said: list[Frame] = [
        {"t": "batch", "items": items}, {"t": "pull"}, {"t": "fetch", "digest": digest, "offset": 0},
        {"t": "fetch", "digest": "0" * 64, "offset": 0}, {"t": "rekey", "public_key": "x"},
    ]
    told: list[Frame] = []
    for message in said:
        asked = {"session": session, "messages": [message], "wait": 5 if message["t"] == "batch" else 0}
        answer = await street.http.post(f"/t/{RIVAL}/link/poll", json=asked)
        told += answer.json().get("messages", [])
    gateway.cancel()
    await asyncio.gather(gateway, return_exceptions=True)

    assert {"t": "ack", "seq": len(items)} in told              # it was heard, at home
    assert [one["total"] for one in told if one["t"] == "chunk"] == [-1, -1]
    assert SECRET not in json.dumps(told)
    assert await street.main.world.db.read(rows) == before
    assert {topic: one._rang.is_set() for topic, one in hears.items()} == dict.fromkeys(TOPICS, False)


async def _try_public_routes(street: Street) -> None:
    made = (await street.main.http.post("/enrolment-tokens", json={"customer": "acme", "site": "hq"})).json()
    token, key = read_token(made["token"]), Ed25519PrivateKey.generate()
    public = base64.b64encode(public_bytes(key)).decode()
    proof = sign(key, "enrol", enrol_bytes(token_id=token.id, public_key=public, name="new"))
    ask = {"language": 7, "token_id": token.id, "token_secret": token.secret, "public_key": public, "name": "new",
           "facts": {}, "agent_version": "1", "proof": base64.b64encode(proof).decode()}
    push = json.dumps({"ref": "refs/heads/main"}).encode()
    signed = {
        "x-github-event": "push", "x-hub-signature-256":
        f"sha256={hmac.new(hook_of(street.main.world).encode(), push, hashlib.sha256).hexdigest()}",
    }
    told = []
    for door in (f"/t/{RIVAL}", ""):
        told += [
            await street.http.post(f"{door}/api/v1/enrol", json=ask),
            await street.http.post(f"{door}/api/v1/webhooks/github", content=push, headers=signed),
        ]
    unknown = await street.http.post(f"/t/{RIVAL}/api/v1/enrol", json={**ask, "token_secret": "x" * 43})

    assert [one.status_code for one in told] == [unknown.status_code, 401, 200, 202]
    assert told[0].json()["detail"] == unknown.json()["detail"]
    assert (await street.http.get(f"/t/{RIVAL}/api/v1/trust")).json()["state_key"] != (
        await street.http.get("/api/v1/trust")).json()["state_key"]


async def _try_doors(street: Street) -> None:
    root = await street.main.token("root", "admin")
    paths = ["/t/ghost/api/v1/devices", "/t//api/v1/devices", "/t/rival", "/t/rival/",
             "/t/rival/t/main/api/v1/devices", "/t/RIVAL/api/v1/devices", "/t/rival//api/v1/devices"]
    told = {path: (await street.http.get(path, headers=root)).status_code for path in paths}

    ours = await street.http.get("/t/rival/api/v1/devices?limit=1", headers=await street.rival.token("boss", "admin"))

    assert set(told.values()) <= {401, 404}, told
    assert ours.headers["link"].startswith("</t/rival/api/v1/devices?")     # and the way on is through the same door


async def test_what_opens_a_link_or_a_public_route_opens_it_at_its_own_tenant_only(street: Street) -> None:
    """Devices' keys, enrolment tokens and webhooks; and doors that nobody has. One street is quicker than three."""
    await _try_links(street)
    await _try_public_routes(street)
    await _try_doors(street)
