"""What a stolen token, a copied disk and a lying device get: each test is one attack.

What other rooms prove already is named in ELSEWHERE and run there.
"""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed

from guru_server.clock import wall
from guru_server.fleet.holding import hold, withheld_of
from tests.arch.sources import ROOT
from tests.server.conftest import Api
from tests.server.gateway.conftest import Agent, Site, hear, say
from tests.server.gateway.test_identity import link
from tests.server.gateway.test_link import rows
from tests.server.identity.test_admissions import decide, in_the_fleet, joins, token, waiting

GATEWAY, IDENTITY = "tests/server/gateway", "tests/server/identity/test_admissions.py"
ELSEWHERE = {
    "reads what is another device's": f"{GATEWAY}/test_isolation.py::test_the_blobs_of_another_device_are_not_there",
    "reads another's secrets": f"{GATEWAY}/test_isolation.py::test_the_sealed_secrets_of_another_device_are_not_there",
    "speaks in another's name": f"{GATEWAY}/test_isolation.py::test_nothing_in_an_item_can_name_another_device",
    "replays a hello": f"{GATEWAY}/test_isolation.py::test_a_recorded_hello_is_worthless_on_another_connection",
    "sends without end": f"{GATEWAY}/test_bounds.py::test_a_flood_of_messages_ends_the_link",
    "copies a key": f"{GATEWAY}/test_identity.py::test_a_cloned_key_puts_both_machines_in_quarantine",
    "draws on terminals": "tests/cli/test_hostile.py::test_no_format_lets_a_control_character_through",
    "leads out of the root": "tests/agent/executor/test_hostile.py::test_a_users_link_on_the_way_leads_nowhere",
    "replays an enrolment": f"{IDENTITY}::test_a_replayed_enrolment_makes_no_second_device",
    "comes back with a revoked key": f"{IDENTITY}::test_a_revoked_key_never_comes_in_again",
}


@pytest.mark.parametrize("attack", ELSEWHERE)
def test_an_attack_that_another_room_proves_is_still_tried_there(attack: str) -> None:
    path, name = ELSEWHERE[attack].split("::")

    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


async def test_a_stolen_token_used_from_elsewhere_makes_a_device_that_gets_nothing(api: Api) -> None:
    stolen = await token(api, addresses=["203.0.113.0/24"], labels={"role": "server"})
    joined = [(await joins(api, stolen, f"thief{at}")).json()["approved"] for at in range(3)]
    await api.http.delete(f"/enrolment-tokens/{stolen.id}")
    for row in await waiting(api):
        await decide(api, "denials", device=row["id"])

    assert joined == [False] * 3
    assert await in_the_fleet(api) == await waiting(api) == []


async def test_a_device_that_says_anothers_hardware_takes_nothing_over_by_itself(api: Api) -> None:
    made = await token(api)
    await joins(api, made, "pc1", "cd" * 32)
    liar = (await joins(api, made, "pc1", "cd" * 32)).json()

    assert (liar["approved"], await in_the_fleet(api)) == (False, ["pc1"])
    assert [row["name"] for row in (await api.http.get("/devices?selector=name=pc1")).json()["items"]] == ["pc1"]


@pytest.mark.parametrize("hardware", ["../../etc", "\x1b[2J" + "a" * 60, "A" * 64, "a" * 65])
async def test_hardware_is_a_digest_or_nothing(api: Api, hardware: str) -> None:
    assert (await joins(api, await token(api), "pc1", hardware)).status_code in (400, 422)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "\x1b]0;owned\x07", "a/b/c"])
async def test_a_hostile_name_is_a_plain_one_in_the_queue(api: Api, name: str) -> None:
    await joins(api, await token(api, approve=True), name)
    [row] = await waiting(api)

    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", row["name"])


async def test_labels_that_a_device_claims_give_it_no_place(api: Api) -> None:
    made = await token(api)
    device_id = (await joins(api, made, "pc1")).json()["device"]
    labels = (await api.http.get(f"/devices/{device_id}")).json()["labels"]

    assert {name for name in labels if not name.startswith("fact/")} == set()


async def test_a_flood_of_a_held_device_is_one_row_a_kind(site: Site) -> None:
    agent = await site.enrol()
    await site.db.write(lambda connection: hold(connection, "main", agent.id, "pending", "a test", wall()))
    socket, _ = await link(site, agent)
    for seq in range(1, 40):
        await say(socket, {"t": "batch", "items": [
            {"seq": seq, "kind": "facts", "body": {
                "at": 1, "facts": {"os": "\x1b[31m" + "y" * 900, "cpus": "\x1b[2J" + "z" * 2000}, "services": []}}]})
    await say(socket, {"t": "pull"})
    await hear(socket)                  # frames are acted on in their order
    [row] = await site.db.read(lambda connection: withheld_of(connection, "main", agent.id))
    [(excerpt,)] = await rows(site, "SELECT excerpt FROM withheld")

    assert (row.kind, row.count) == ("facts", 39)
    assert (len(str(excerpt)) <= 2000, "\x1b" in str(excerpt)) == (True, False)


async def test_a_gigabyte_is_cut_at_the_first_megabyte(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await link(site, agent)
    await socket.send("x" * (2 << 20))
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_the_thief_of_a_disk_and_its_owner_are_both_held_while_somebody_looks(site: Site) -> None:
    owner = await site.enrol()
    thief = Agent(owner.id, owner.key, owner.spool)
    for _ in range(3):
        await link(site, owner, "a" * 32)
        await link(site, thief, "b" * 32)
    _, told_thief = await link(site, thief, "b" * 32)
    _, told_owner = await link(site, owner, "a" * 32)
    _, stranger = await link(site, Agent(owner.id, Ed25519PrivateKey.generate()), "c" * 32)

    assert (told_thief["held"], told_owner["held"], stranger["t"]) == ("quarantined", "quarantined", "refused")
