"""Other products fetch short tokens by a secret, for no more than Git, the client and the request agree on."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from guru_server.identity.clients import LIFE
from tests.server.rights.conftest import Office, binding

BOUND = {"org/clients.yaml": binding("wiki", "client:wiki", "tech", "customers/acme")}


async def made(office: Office, **more: Any) -> dict[str, Any]:
    reply = await office.http.post("/clients", json={"name": "wiki", "verbs": ["device.read", "device.label"], **more})
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def token(office: Office, client: dict[str, Any], *, basic: bool = True, **more: str) -> httpx.Response:
    pair = client["client_id"], client["client_secret"]
    form = {"grant_type": "client_credentials", **more}
    if basic:
        head = base64.b64encode(":".join(pair).encode()).decode()
        return await office.http.post("/token", data=form, headers={"authorization": f"Basic {head}"})
    form = {"client_id": pair[0], "client_secret": pair[1], **form}
    return await office.http.post("/token", data=form, headers={"authorization": ""})


def bearer(reply: httpx.Response) -> dict[str, str]:
    assert reply.status_code == 200, reply.text
    return {"authorization": f"Bearer {reply.json()['access_token']}"}


async def test_a_client_gets_a_short_token_for_what_git_binds_to_it(office: Office) -> None:
    await office.push(BOUND)
    client = await made(office)
    reply = await token(office, client)
    mine = bearer(reply)
    me = (await office.http.get("/whoami", headers=mine)).json()
    seen = (await office.http.get("/devices", headers=mine)).json()["items"]
    office.world.clock.now += LIFE * 1000

    assert reply.headers["cache-control"] == "no-store"
    assert {name: reply.json()[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer", "expires_in": LIFE, "scope": "device.label device.read"}
    assert (me["name"], me["kind"], me["verbs"]) == ("wiki", "client", ["device.label", "device.read"])
    assert {one["customer"] for one in seen} == {"acme"}
    assert (await office.http.get("/whoami", headers=mine)).status_code == 401


async def test_a_scope_narrows_and_never_widens(office: Office) -> None:
    await office.push(BOUND)
    client = await made(office)
    narrow = bearer(await token(office, client, basic=False, scope="device.read"))
    wide = await token(office, client, scope="device.read user.manage")
    labelled = await office.http.post("/devices/labels", headers=narrow, json={
        "selector": "name=apc1", "set": {"a": "b"}, "max_devices": 1})

    assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope")
    assert labelled.status_code == 403


async def test_a_revoked_client_and_all_its_tokens_are_out_with_the_next_request(office: Office) -> None:
    await office.push(BOUND)
    client = await made(office)
    mine = bearer(await token(office, client))
    gone = await office.http.delete(f"/clients/{client['client_id']}")
    used, again = await office.http.get("/whoami", headers=mine), await token(office, client)
    listed = (await office.http.get("/clients")).json()["items"]

    assert gone.json()["revoked"] is True
    assert used.status_code == 401
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert again.headers["www-authenticate"].startswith("Basic")
    assert [(one["name"], one["revoked"]) for one in listed] == [("wiki", True)]
    assert client["client_secret"] not in (await office.http.get("/clients")).text


async def test_a_secret_is_no_token_and_ends_with_its_time(office: Office) -> None:
    client = await made(office, ttl=3600)
    as_token = await office.http.get("/whoami", headers={"authorization": f"Bearer {client['client_secret']}"})
    guessed = await token(office, client | {"client_secret": client["client_secret"][:-1] + "x"})
    office.world.clock.now += 3_600_000

    assert (as_token.status_code, guessed.status_code) == (401, 401)
    assert (await token(office, client)).json()["error"] == "invalid_client"


@pytest.mark.parametrize(("form", "headers"), [
    ({}, {"authorization": "Basic !!!"}), ({}, {"authorization": "Bearer x"}), ({}, {"authorization": ""}),
    ({"client_id": "a", "client_secret": "b"}, {"authorization": "Basic YTpi"}),
    ({"client_id": "other"}, {"authorization": "Basic YTpi"}),
])
async def test_a_request_that_names_its_client_twice_or_not_at_all_is_invalid(
    office: Office, form: dict[str, str], headers: dict[str, str]
) -> None:
    reply = await office.http.post("/token", data={"grant_type": "client_credentials", **form}, headers=headers)

    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


async def test_nobody_makes_a_client_that_could_do_more_than_they(office: Office) -> None:
    await office.push({"org/clients.yaml": binding("wiki", "client:wiki", "all", "org")})
    tom = await office.token("tom")
    reply = await office.http.post("/clients", json={"name": "wiki"}, headers=tom)

    assert reply.status_code == 403


async def test_where_tokens_are_had_is_told(office: Office) -> None:
    said = (await office.http.get("https://guru.example/.well-known/oauth-authorization-server")).json()

    assert (said["issuer"], said["token_endpoint"]) == (
        "https://guru.example:8443", "https://guru.example:8443/api/v1/token")
    assert "client_credentials" in said["grant_types_supported"]
