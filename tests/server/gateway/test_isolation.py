"""Every device can neither read nor write as another: each test is a way to try."""

from __future__ import annotations

import base64
import secrets

import httpx
import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from guru_policy.bundle import digest_of
from guru_server.clock import wall
from guru_wire.manifest import Manifest, seal_manifest
from tests.server.gateway.conftest import Agent, Frame, Site, hear, say
from tests.server.gateway.test_link import LAYOUT, layout, rows, sample

STRANGER = {
    "t": "refused", "code": "G0401", "message": "this device is not known here, or its key is another",
    "revoked": False,
}


async def refused(site: Site, agent: Agent, **other: str) -> Frame:
    socket, challenge = await site.dial()
    await say(socket, agent.hello(challenge, **other))
    return await hear(socket)


async def test_a_hello_in_the_name_of_another_device_is_refused_like_an_unknown_one(site: Site) -> None:
    victim, thief = await site.enrol(), await site.enrol()

    as_victim = await refused(site, thief, device=victim.id)
    as_nobody = await refused(site, thief, device=secrets.token_hex(16))
    unsigned = await refused(site, thief, signature="not base64!")

    assert as_victim == as_nobody == unsigned == STRANGER


async def test_a_recorded_hello_is_worthless_on_another_connection(site: Site) -> None:
    agent = await site.enrol()
    socket, challenge = await site.dial()
    recorded = agent.hello(challenge)
    await say(socket, recorded)
    await hear(socket)
    other, _ = await site.dial()

    await say(other, recorded)

    assert await hear(other) == STRANGER
    await socket.close()


async def test_a_signature_for_one_spool_does_not_hold_for_another(site: Site) -> None:
    agent = await site.enrol()
    socket, challenge = await site.dial()
    hello = agent.hello(challenge)

    await say(socket, {**hello, "spool": "f" * 32})

    assert await hear(socket) == STRANGER


@pytest.mark.parametrize("device", ["a\nb", "", "A" * 32, "../" * 10, "0" * 4000])
async def test_a_device_id_that_is_none_ends_the_connection(site: Site, device: str) -> None:
    agent = await site.enrol()
    socket, challenge = await site.dial()

    await say(socket, {**agent.hello(challenge), "device": device})
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4008


async def test_nothing_in_an_item_can_name_another_device(site: Site) -> None:
    victim, thief = await site.enrol(), await site.enrol()
    socket, _ = await site.link(thief)
    named = {"device": victim.id, "tenant": "other", "spool": victim.spool}
    result = {"check": "disk", "at": 1, "since": 1, "verdict": {"state": "critical"}, **named}
    checks = {"results": [result], **named}
    items = [{**layout(1), **named}, {**sample(2, wall(), 1.0, 2.0), **named},
             {"seq": 3, "kind": "checks", "body": checks, **named},
             {"seq": 4, "kind": "refused", "body": {"kind": "x", **named}}]

    await say(socket, {"t": "batch", "items": items, **named})
    ack = await hear(socket)

    assert ack == {"t": "ack", "seq": 4}
    for table in ("layout", "sample_head", "check_state", "refused_item", "ingest_mark"):
        assert await rows(site, f"SELECT DISTINCT tenant, device FROM {table}") == [("main", thief.id)], table
    await socket.close()


async def test_a_second_hello_cannot_change_who_a_link_is(site: Site) -> None:
    victim, thief = await site.enrol(), await site.enrol()
    socket, challenge = await site.dial()
    await say(socket, thief.hello(challenge))
    await hear(socket)

    await say(socket, victim.hello(challenge))
    with pytest.raises(ConnectionClosed):
        await socket.recv()

    assert site.gateway.registry.of(victim.id) is None


async def test_the_blobs_of_another_device_are_not_there(site: Site) -> None:
    victim, thief = await site.enrol(), await site.enrol()
    secret = await site.publish(victim, b"the victim's bundle")
    own = await site.publish(thief, b"the thief's bundle")
    reader, _ = await site.link(victim)
    await say(reader, {"t": "fetch", "digest": secret})
    assert base64.b64decode(str((await hear(reader))["data"])) == b"the victim's bundle"
    socket, _ = await site.link(thief)

    answers = []
    for digest in (secret, secret.upper(), "0" * 64, f"{own}\n{secret}"):
        await say(socket, {"t": "fetch", "digest": digest, "device": victim.id})
        answers.append(await hear(socket))
    await say(socket, {"t": "pull", "device": victim.id})
    desired = await hear(socket)

    assert [(answer["total"], answer["data"]) for answer in answers] == [(-1, "")] * 4
    assert desired == {"t": "desired", "manifest": site.manifests[thief.id].model_dump()}
    await reader.close()
    await socket.close()


async def test_the_sealed_secrets_of_another_device_are_not_there(site: Site) -> None:
    owner, thief = await site.enrol(), await site.enrol()
    blob = b"sealed for the owner"
    site.blobs[digest_of(blob)] = blob
    for agent, sealed in ((owner, digest_of(blob)), (thief, "")):
        site.manifests[agent.id] = seal_manifest(site.state_key, Manifest(
            device=agent.id, serial=1, revision="r", bundle=digest_of(b"{}"), issued_at=wall(),
            expires_at=wall() + 60_000, sealed=sealed))

    totals = []
    for agent in (owner, thief):
        socket, _ = await site.link(agent)
        await say(socket, {"t": "fetch", "digest": digest_of(blob)})
        totals.append((await hear(socket))["total"])
        await socket.close()

    assert totals == [len(blob), -1]


@pytest.mark.parametrize("seqs", [[2, 1], [1, 1], [0], [-1], [1 << 63], [True], ["1"], [1.5], [None]])
async def test_sequences_that_do_not_grow_store_nothing(site: Site, seqs: list[object]) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    items = [{"seq": seq, "kind": "sample", "body": [LAYOUT, wall(), [1.0]]} for seq in seqs]

    await say(socket, {"t": "batch", "items": items})
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4008
    assert await rows(site, "SELECT count(*) FROM ingest_mark") == [(0,)]


async def test_a_high_sequence_of_one_device_leaves_the_marks_of_others_alone(site: Site) -> None:
    first, second = await site.enrol(), await site.enrol()
    second.spool = first.spool
    one, _ = await site.link(first)
    other, welcome = await site.link(second)
    await say(one, {"t": "batch", "items": [layout((1 << 63) - 1)]})
    await hear(one)

    await say(other, {"t": "batch", "items": [layout(1)]})
    ack = await hear(other)

    assert (welcome["mark"], ack) == (0, {"t": "ack", "seq": 1})
    assert await rows(site, "SELECT count(*) FROM ingest_mark") == [(2,)]
    await one.close()
    await other.close()


async def test_a_poll_session_is_worth_nothing_without_its_secret(site: Site) -> None:
    victim = await site.enrol()
    async with httpx.AsyncClient(trust_env=False) as client:
        opened = (await client.post(site.poll_url, json={"session": None, "messages": []})).json()
        hello = victim.hello(opened["messages"][0])
        await client.post(site.poll_url, json={"session": opened["session"], "messages": [hello]})
        guesses = [opened["session"][:-1] + "0", opened["session"].upper(), "", "0" * 64, victim.id, "*"]

        answers = [
            await client.post(site.poll_url, json={"session": guess, "messages": [{"t": "pull"}]})
            for guess in guesses if guess != opened["session"]
        ]
        again = await client.post(site.poll_url, json={"session": opened["session"], "messages": [hello]})

    assert {answer.status_code for answer in answers} == {410}
    assert again.status_code == 410


async def test_another_device_cannot_shake_hands_in_a_session_that_is_taken(site: Site) -> None:
    victim, thief = await site.enrol(), await site.enrol()
    async with httpx.AsyncClient(trust_env=False) as client:
        first = (await client.post(site.poll_url, json={"session": None})).json()
        second = (await client.post(site.poll_url, json={"session": None})).json()
        crossed = victim.hello(first["messages"][0])

        stolen = await client.post(site.poll_url, json={"session": second["session"], "messages": [crossed]})
        other = thief.hello(first["messages"][0], device=victim.id)
        forged = await client.post(site.poll_url, json={"session": first["session"], "messages": [other]})

    assert stolen.json()["messages"] == forged.json()["messages"] == [STRANGER]
    assert len(site.gateway.registry) == 0


async def test_a_revoked_device_learns_so_only_with_its_own_key(site: Site) -> None:
    agent, thief = await site.enrol(), await site.enrol()
    await site.revoke(agent, tell=False)

    own = await refused(site, agent)
    others = await refused(site, thief, device=agent.id)

    assert (own["code"], own["revoked"]) == ("G0401", True)
    assert others == STRANGER
    assert await site.db.read(lambda c: c.execute(text("SELECT count(*) FROM ingest_mark")).scalar()) == 0
