"""Enrolment through the API: what a token allows, and that a failure costs nothing."""

from __future__ import annotations

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from guru_server.fleet.tables import device
from guru_wire.enrolment import EnrolmentToken, enrol_bytes, read_token
from guru_wire.sealing import sealing_proof, sealing_public
from guru_wire.signing import public_bytes, sign
from tests.server.conftest import Api


async def new_token(api: Api, uses: int = 1, ttl: int = 3600) -> EnrolmentToken:
    answer = await api.http.post(
        "/enrolment-tokens", json={"customer": "acme", "site": "hq", "uses": uses, "ttl": ttl}
    )
    assert answer.status_code == 201, answer.text
    return read_token(answer.json()["token"])


def request(token: EnrolmentToken, name: str, key: Ed25519PrivateKey | None = None) -> dict[str, object]:
    key = key or Ed25519PrivateKey.generate()
    public = base64.b64encode(public_bytes(key)).decode()
    proof = sign(key, "enrol", enrol_bytes(token_id=token.id, public_key=public, name=name))
    return {
        "language": 1, "token_id": token.id, "token_secret": token.secret, "public_key": public, "name": name,
        "facts": {"os": "linux"}, "agent_version": "1.0", "proof": base64.b64encode(proof).decode(),
    }


async def used(api: Api) -> int:
    return int((await api.http.get("/enrolment-tokens")).json()["items"][0]["used"])


async def test_a_device_joins_and_is_listed(api: Api) -> None:
    token = await new_token(api)
    with api.bus.subscribe("inventory") as heard:
        answer = (await api.http.post("/enrol", json=request(token, "web1"))).json()
        told = await asyncio.wait_for(anext(heard), 5)
    rows = (await api.http.get("/devices")).json()["items"]

    assert (answer["name"], answer["customer"], answer["site"]) == ("web1", "acme", "hq")
    assert [row["id"] for row in rows] == [answer["device"]]
    assert told == {answer["device"]}


async def test_a_token_lets_in_as_many_as_it_may_even_at_once(api: Api) -> None:
    token = await new_token(api, uses=3)
    answers = await asyncio.gather(
        *(api.http.post("/enrol", json=request(token, f"web{at}")) for at in range(8))
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [403] * 5
    assert await used(api) == 3


async def test_a_failed_enrolment_burns_no_use(api: Api) -> None:
    token = await new_token(api, uses=2)
    await api.http.post("/enrol", json=request(token, "web1"))
    taken = await api.http.post("/enrol", json=request(token, "web1"))

    assert (taken.status_code, await used(api)) == (409, 1)
    assert "--name" in taken.json()["hint"]


async def test_the_same_device_asking_again_is_the_same_device(
    api: Api, device_key: Ed25519PrivateKey
) -> None:
    token = await new_token(api)
    first = await api.http.post("/enrol", json=request(token, "web1", device_key))
    again = await api.http.post("/enrol", json=request(token, "web1", device_key))

    assert first.json() == again.json()
    assert await used(api) == 1


@pytest.mark.parametrize("reason", ["expired", "revoked", "not known"])
async def test_a_token_that_ended_says_why(api: Api, reason: str) -> None:
    token = await new_token(api)
    if reason == "expired":
        api.clock.forward(3_600_000)
    elif reason == "revoked":
        await api.http.delete(f"/enrolment-tokens/{token.id}")
    else:
        token = token.model_copy(update={"secret": "guess"})
    answer = await api.http.post("/enrol", json=request(token, "web1"))

    assert answer.status_code == 403
    assert reason in answer.json()["detail"]
    assert (await api.http.get("/devices")).json()["total"] == 0


async def test_a_key_that_is_not_the_senders_is_refused(api: Api) -> None:
    token = await new_token(api)
    stolen = request(token, "web1")
    stolen["public_key"] = request(token, "web1")["public_key"]
    answer = await api.http.post("/enrol", json=stolen)

    assert (answer.status_code, answer.json()["code"]) == (403, "G0495")
    assert await used(api) == 0


@pytest.mark.parametrize(
    ("said", "kept"), [("Robin's PC", "Robin-s-PC"), ("web1\n", "web1"), ("*", "device"), ("..", "device")]
)
async def test_a_machines_name_becomes_a_devices_name(api: Api, said: str, kept: str) -> None:
    answer = await api.http.post("/enrol", json=request(await new_token(api), said))

    assert answer.json()["name"] == kept


async def test_the_secret_is_shown_once_and_stored_nowhere(api: Api) -> None:
    token = await new_token(api)

    assert token.secret not in (await api.http.get("/enrolment-tokens")).text


async def test_whoami_tells_name_role_and_end(api: Api) -> None:
    text = await api.token("viewer", ttl=60)
    answer = await api.http.get("/whoami", headers={"authorization": f"Bearer {text}"})

    assert (answer.json()["role"], answer.json()["expires_at"]) == ("viewer", api.clock() + 60_000)
    api.clock.forward(60_000)
    late = await api.http.get("/whoami", headers={"authorization": f"Bearer {text}"})
    assert (late.status_code, late.json()["detail"]) == (401, "this token expired")


async def test_a_device_that_joins_says_what_its_secrets_are_sealed_to(api: Api) -> None:
    token, key = await new_token(api, uses=2), Ed25519PrivateKey.generate()
    ask = request(token, "web1", key)
    good = {"sealing_key": sealing_public(key), "sealing_proof": sealing_proof(key)}
    other = Ed25519PrivateKey.generate()

    refused = await api.http.post("/enrol", json={**ask, **good, "sealing_key": sealing_public(other)})
    taken = await api.http.post("/enrol", json={**ask, **good})
    kept = await api.db.read(lambda connection: connection.execute(select(device.c.sealing_key)).scalars().all())

    assert (refused.status_code, taken.status_code) == (403, 200)
    assert kept == [sealing_public(key)]


async def test_a_token_for_sealed_keys_refuses_every_other_one_and_burns_no_use(api: Api) -> None:
    made = await api.http.post("/enrolment-tokens", json={"customer": "acme", "site": "hq", "sealed": True})
    token = read_token(made.json()["token"])
    silent = await api.http.post("/enrol", json=request(token, "old"))
    in_file = await api.http.post("/enrol", json=request(token, "web1") | {"facts": {"device_key": "file"}})
    spent = await used(api)
    sealed = await api.http.post("/enrol", json=request(token, "web2") | {"facts": {"device_key": "tpm"}})
    shown = (await api.http.get(f"/devices/{sealed.json()['device']}")).json()

    assert (silent.status_code, in_file.status_code, spent, sealed.status_code) == (403, 403, 0, 200)
    assert "--keys tpm" in in_file.json()["hint"]
    assert made.json()["row"]["sealed"]
    assert shown["labels"]["fact/device_key"] == "tpm"
