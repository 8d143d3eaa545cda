"""Who is let in: what makes a newcomer wait, what an approval and a denial do, and keys that never come back."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select

from guru_policy.inventory import Place
from guru_server.fleet.inventory import Inventory
from guru_server.fleet.tables import device
from guru_server.gateway.devices import Known, known
from guru_server.telemetry.tables import check_state
from guru_wire.enrolment import EnrolmentToken, enrol_bytes, read_token
from guru_wire.signing import public_bytes, sign
from tests.server.conftest import Api

MACHINE = "ab" * 32


async def token(api: Api, **more: Any) -> EnrolmentToken:
    answer = await api.http.post("/enrolment-tokens", json={"customer": "acme", "site": "hq", "uses": 9, **more})
    assert answer.status_code == 201, answer.text
    return read_token(answer.json()["token"])


async def joins(
    api: Api, with_token: EnrolmentToken, name: str, hardware: str = "", key: Ed25519PrivateKey | None = None
) -> httpx.Response:
    key = key or Ed25519PrivateKey.generate()
    public = base64.b64encode(public_bytes(key)).decode()
    proof = sign(key, "enrol", enrol_bytes(token_id=with_token.id, public_key=public, name=name))
    return await api.http.post("/enrol", json={
        "language": 6, "token_id": with_token.id, "token_secret": with_token.secret, "public_key": public,
        "name": name, "facts": {"os": "linux"}, "agent_version": "1.0", "hardware": hardware,
        "proof": base64.b64encode(proof).decode(),
    })


async def decide(api: Api, act: str, **said: str) -> httpx.Response:
    return await api.http.post(f"/admissions/{act}", json=said)


async def waiting(api: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.http.get("/admissions")).json()["items"]
    return items


async def in_the_fleet(api: Api) -> list[str]:
    """By the list that people see; a compile sees the same devices."""
    listed = [row["name"] for row in (await api.http.get("/devices")).json()["items"]]
    compiled = [one.name for one in await api.db.read(Inventory("main").read)]
    assert listed == compiled
    return listed


async def as_gateways_see(api: Api, device_id: str) -> Known:
    found = await api.db.read(lambda connection: known(connection, device_id))
    assert found is not None
    return found


async def test_labels_and_ring_of_the_token_are_the_devices_labels(api: Api) -> None:
    made = await token(api, ring="canary", labels={"role": "desk"})
    joined = (await joins(api, made, "pc1")).json()
    labels = (await api.http.get(f"/devices/{joined['device']}")).json()["labels"]

    assert joined["approved"] is True
    assert {"op/ring": "canary", "op/role": "desk"}.items() <= labels.items()


@pytest.mark.parametrize("bad", [{"labels": {"Role": "x"}}, {"ring": "a b"}, {"addresses": ["10.0.0.0/99"]}])
async def test_a_token_that_makes_no_sense_is_refused(api: Api, bad: dict[str, Any]) -> None:
    answer = await api.http.post("/enrolment-tokens", json={"customer": "acme", "site": "hq", **bad})

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(("asked", "why"), [
    ({"approve": True}, "asks for approval"), ({"addresses": ["203.0.113.0/24"]}, "outside of the token's addresses"),
])
async def test_who_has_to_wait_is_no_part_of_the_fleet_until_somebody_agrees(
    api: Api, asked: dict[str, Any], why: str
) -> None:
    joined = (await joins(api, await token(api, **asked), "pc1")).json()
    before, queue = await in_the_fleet(api), await waiting(api)
    seen = await as_gateways_see(api, joined["device"])
    answer = await decide(api, "approvals", device="pc1")

    assert (joined["approved"], before, seen.held) == (False, [], "pending")
    assert [(row["name"], why in row["why"]) for row in queue] == [("pc1", True)]
    assert (answer.status_code, answer.json()["held"]) == (200, "")
    assert (await in_the_fleet(api), await waiting(api)) == (["pc1"], [])


async def test_who_comes_from_the_tokens_addresses_does_not_wait(api: Api) -> None:
    joined = (await joins(api, await token(api, addresses=["127.0.0.0/8"]), "pc1")).json()

    assert joined["approved"] is True


async def test_a_machine_installed_anew_waits_and_then_goes_on_as_what_it_was(api: Api) -> None:
    made = await token(api)
    old_key = Ed25519PrivateKey.generate()
    old = (await joins(api, made, "pc1", MACHINE, old_key)).json()["device"]
    await api.http.post("/devices/labels", json={"selector": "name=pc1", "set": {"tier": "gold"}, "max_devices": 1})
    await api.db.write(lambda connection: connection.execute(insert(check_state).values(
        tenant="main", device=old, check_id="disk", state="ok", since=1, at=1, seen_at=1, missed=0, unit="",
        message="kept")))
    again = (await joins(api, made, "pc1", MACHINE)).json()
    queue = await waiting(api)
    answer = await decide(api, "approvals", device=again["device"], takes_over=old)
    shown = (await api.http.get(f"/devices/{again['device']}")).json()

    assert (again["approved"], queue[0]["alike"], again["name"][:4]) == (False, ["acme/hq/pc1"], "pc1-")
    assert answer.status_code == 200, answer.text
    assert (shown["name"], shown["labels"]["op/tier"]) == ("pc1", "gold")
    assert [one["verdict"]["message"] for one in shown["check_results"]] == ["kept"]
    assert await in_the_fleet(api) == ["pc1"]
    assert (await as_gateways_see(api, old)).revoked
    assert (await joins(api, made, "pc2", key=old_key)).status_code == 403


async def test_it_can_be_a_new_device_instead(api: Api) -> None:
    made = await token(api)
    await joins(api, made, "pc1", MACHINE)
    again = (await joins(api, made, "pc9", MACHINE)).json()
    await decide(api, "approvals", device=again["device"])

    assert await in_the_fleet(api) == ["pc1", "pc9"]


async def test_history_never_moves_to_another_customer(api: Api) -> None:
    old = await api.device("theirs", place=Place("bolt", "hq"))
    pending = (await joins(api, await token(api, approve=True), "pc1")).json()["device"]
    answer = await decide(api, "approvals", device=pending, takes_over=old)

    assert answer.status_code in (400, 422)
    assert (await waiting(api))[0]["id"] == pending


async def test_a_denied_key_never_comes_in_by_any_token(api: Api) -> None:
    key = Ed25519PrivateKey.generate()
    await joins(api, await token(api, approve=True), "pc1", key=key)
    await decide(api, "denials", device="pc1", reason="nobody knows it")
    again = await joins(api, await token(api), "pc1", key=key)

    assert (again.status_code, "key" in again.json()["detail"]) == (403, True)
    assert await waiting(api) == await in_the_fleet(api) == []


async def test_a_revoked_key_never_comes_in_again(api: Api) -> None:
    made, key = await token(api), Ed25519PrivateKey.generate()
    device_id = (await joins(api, made, "pc1", key=key)).json()["device"]
    await api.http.delete(f"/devices/{device_id}")

    assert (await joins(api, made, "pc1", key=key)).status_code == 403
    assert (await joins(api, await token(api), "pc2", key=key)).status_code == 403


async def test_a_replayed_enrolment_makes_no_second_device(api: Api) -> None:
    key, made = Ed25519PrivateKey.generate(), await token(api, approve=True)
    first = (await joins(api, made, "pc1", key=key)).json()
    again = (await joins(api, made, "pc1", key=key)).json()
    by_another_token = await joins(api, await token(api), "pc1", key=key)

    assert (first, by_another_token.status_code) == (again, 403)
    assert len(await waiting(api)) == 1


async def test_quarantine_and_release_are_told_to_gateways_and_kept_in_the_audit_log(api: Api) -> None:
    device_id = (await joins(api, await token(api), "pc1")).json()["device"]
    await decide(api, "quarantines", device="acme/hq/pc1", reason="stolen")
    held = (await as_gateways_see(api, device_id)).held
    shown = (await api.http.get("/devices/pc1")).json()
    twice = await decide(api, "approvals", device="pc1")
    await decide(api, "releases", device="pc1")
    told = [row["action"] for row in (await api.http.get("/audit")).json()["items"]]

    assert (held, shown["held"], shown["held_why"]) == ("quarantined", "quarantined", "stolen")
    assert twice.status_code == 409
    assert (await as_gateways_see(api, device_id)).held == ""
    assert {"DeviceQuarantined", "DeviceReleased"} <= set(told)


async def test_a_key_rotation_is_asked_for_once_the_device_is_let_in(api: Api) -> None:
    await joins(api, await token(api, approve=True), "pc1")
    early = await decide(api, "key-rotations", device="pc1")
    await decide(api, "approvals", device="pc1")
    answer = await decide(api, "key-rotations", device="pc1")
    asked = await api.db.read(lambda connection: connection.execute(select(device.c.rotate_asked)).scalar())

    assert (early.status_code, answer.status_code, bool(asked)) == (409, 200, True)


async def test_whoever_may_not_approve_decides_nothing(api: Api) -> None:
    await joins(api, await token(api, approve=True), "pc1")
    headers = {"authorization": f"Bearer {await api.token('viewer')}"}
    answers = [
        await api.http.post(f"/admissions/{act}", json={"device": "pc1"}, headers=headers)
        for act in ("approvals", "denials", "quarantines", "releases", "key-rotations")
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert (await waiting(api))[0]["held"] == "pending"
