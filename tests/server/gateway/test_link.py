"""The link on a WebSocket: handshake, batches and marks, manifests and blobs, revocation."""

from __future__ import annotations

import asyncio
import base64
import time

import pytest
from pydantic import JsonValue
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from guru_policy.query.kept import KEPT_BY_NAME
from guru_server.clock import wall
from guru_server.telemetry.layouts import hash_of
from guru_server.telemetry.reading import newest_metrics
from guru_wire.link import welcome_bytes
from guru_wire.sealing import sealing_proof, sealing_public
from guru_wire.signing import public_bytes, verify
from tests.server.gateway.conftest import Frame, Site, hear, say

METRICS = ("cpu_percent", "memory_used_bytes")
LAYOUT = hash_of(METRICS)


def layout(seq: int) -> Frame:
    return {"seq": seq, "kind": "layout", "body": {"hash": LAYOUT, "metrics": list(METRICS)}}


def sample(seq: int, ts: int, *values: float | None) -> Frame:
    return {"seq": seq, "kind": "sample", "body": [LAYOUT, ts, list(values)]}


async def rows(site: Site, query: str) -> list[tuple[object, ...]]:
    return await site.db.read(lambda connection: [tuple(row) for row in connection.execute(text(query))])


async def test_the_welcome_is_signed_over_both_nonces(site: Site) -> None:
    agent = await site.enrol()
    socket, challenge = await site.dial()
    hello = agent.hello(challenge)

    await say(socket, hello)
    welcome = await hear(socket)

    payload = welcome_bytes(
        device=agent.id, server_nonce=str(challenge["nonce"]), agent_nonce=str(hello["nonce"]),
        now=int(str(welcome["now"])), serial=0, mark=0,
    )
    verify(public_bytes(site.link_key), "welcome", payload, base64.b64decode(str(welcome["signature"])))
    await socket.close()


async def test_what_is_acknowledged_is_stored(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    now = wall()

    await say(socket, {"t": "batch", "items": [layout(1), sample(2, now, 12.5, None)]})
    ack = await hear(socket)

    assert ack == {"t": "ack", "seq": 2}
    assert await site.db.read(lambda c: newest_metrics(c, "main", agent.id)) == {"cpu_percent": 12.5}
    await socket.close()


async def test_a_device_is_asked_for_its_inventory_until_it_told_all_of_it(site: Site) -> None:
    agent = await site.enrol()

    async def asked(**said: JsonValue) -> JsonValue:
        socket, welcome = await site.link(agent, **said)
        await socket.close()
        return welcome["inventory"]

    assert await asked()
    assert not await asked(language=7)  # it would not know what is meant
    socket, _ = await site.link(agent)
    whole: Frame = {"table": "users", "at": 1, "digest": "a" * 64, "columns": list(KEPT_BY_NAME["users"].columns)}
    await say(socket, {"t": "batch", "items": [{"seq": 1, "kind": "inventory", "body": whole}]})
    assert await hear(socket) == {"t": "ack", "seq": 1}
    assert not await asked()

    socket, _ = await site.link(agent)
    lost: Frame = {**whole, "basis": "b" * 64}
    await say(socket, {"t": "batch", "items": [{"seq": 2, "kind": "inventory", "body": lost}]})
    assert await hear(socket) == {"t": "ack", "seq": 2}
    assert await asked()


async def test_a_batch_sent_twice_is_stored_once_and_acknowledged_twice(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    batch: Frame = {"t": "batch", "items": [layout(1), {"seq": 2, "kind": "nonsense", "body": 1}]}

    await say(socket, batch)
    first = await hear(socket)
    await say(socket, batch)
    second = await hear(socket)

    assert first == second == {"t": "ack", "seq": 2}
    assert await rows(site, "SELECT kind, count FROM refused_item") == [("nonsense", 1)]
    await socket.close()


async def test_each_spool_has_its_own_mark(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    await say(socket, {"t": "batch", "items": [layout(7)]})
    await hear(socket)
    _, again = await site.link(agent)
    agent.spool = "0" * 32

    _, fresh = await site.link(agent)

    assert (again["mark"], fresh["mark"]) == (7, 0)


async def test_a_bad_body_is_counted_and_the_items_around_it_are_stored(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    now = wall()
    bad = [sample(2, now - 3, 1.0), {"seq": 3, "kind": "sample", "body": [LAYOUT, "x", {}]},
           {"seq": 4, "kind": "facts", "body": {"at": {}}}, sample(5, now, 1.0, 2.0)]

    await say(socket, {"t": "batch", "items": [layout(1), *bad]})
    ack = await hear(socket)

    assert ack == {"t": "ack", "seq": 5}
    refused = await rows(site, "SELECT kind, count FROM refused_item ORDER BY kind")
    assert refused == [("facts", 1), ("sample", 2)]
    assert await rows(site, "SELECT ts FROM sample_head") == [(now,)]
    await socket.close()


async def test_a_device_hears_of_a_new_serial_and_gets_manifest_and_bundle(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    bundle = bytes(range(256)) * 2000

    digest = await site.publish(agent, bundle, serial=3)
    told = await hear(socket)
    await say(socket, {"t": "pull"})
    desired = await hear(socket)
    received = b""
    while len(received) < len(bundle):
        await say(socket, {"t": "fetch", "digest": digest, "offset": len(received)})
        chunk = await hear(socket)
        received += base64.b64decode(str(chunk["data"]))

    assert told == {"t": "current", "serial": 3}
    assert desired == {"t": "desired", "manifest": site.manifests[agent.id].model_dump()}
    assert (received, chunk["total"]) == (bundle, len(bundle))
    await socket.close()


async def test_a_newer_link_takes_the_place_of_the_older(site: Site) -> None:
    agent = await site.enrol()
    older, _ = await site.link(agent)

    newer, _ = await site.link(agent)
    with pytest.raises(ConnectionClosed) as closed:
        await older.recv()
    await say(newer, {"t": "pull"})

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001
    assert await hear(newer) == {"t": "desired", "manifest": None}
    await newer.close()


@pytest.mark.parametrize(("tell", "behind"), [(True, 0), (False, 0), (True, 86_400_000), (False, 600_000)])
async def test_revocation_cuts_a_live_link_within_five_seconds(
    site: Site, tell: bool, behind: int
) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)

    await site.revoke(agent, tell=tell, behind=behind)
    started = time.monotonic()
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(socket.recv(), 5)
    _, answer = await site.link(agent)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4003
    assert (answer["t"], answer["revoked"]) == ("refused", True)
    assert time.monotonic() - started < 5


async def test_presence_is_kept_and_an_end_is_told(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    seen = "SELECT connected IS NOT NULL, last_seen IS NOT NULL, agent_version FROM device_state"

    async def becomes(connected: bool) -> list[tuple[object, ...]]:
        async with asyncio.timeout(10):
            while not (found := await rows(site, seen)) or bool(found[0][0]) is not connected:
                await asyncio.sleep(0.05)
        return found

    online = await becomes(True)
    await socket.close()
    offline = await becomes(False)

    assert [tuple(map(bool, row[:2])) for row in online + offline] == [(True, True), (False, True)]
    assert online[0][2] == "0.1.0"


@pytest.mark.parametrize(("claimed", "kept"), [(9, 9), (2, 0), (1 << 40, 0), (1 << 62, 0), (-5, 0)])
async def test_a_manifest_that_this_database_lost_is_noted_at_the_handshake(
    site: Site, claimed: int, kept: int
) -> None:
    agent = await site.enrol()
    await site.publish(agent, b"{}", serial=2)
    with site.bus.subscribe("inventory") as told:
        socket, challenge = await site.dial()
        await say(socket, agent.hello(challenge, serial=claimed))
        await hear(socket)
        await say(socket, {"t": "pull"})
        await hear(socket)

        assert await rows(site, "SELECT ahead_serial FROM device_state") == [(kept,)]
        assert told._rang.is_set() == bool(kept)
    await socket.close()


async def test_a_hello_brings_the_sealing_key_that_the_device_key_signed(site: Site) -> None:
    agent = await site.enrol()
    with site.bus.subscribe("inventory") as heard:
        for _ in range(2):
            socket, challenge = await site.dial()
            await say(socket, agent.hello(
                challenge, sealing_key=sealing_public(agent.key), sealing_proof=sealing_proof(agent.key)))
            assert (await hear(socket))["t"] == "welcome"
            await socket.close()
        told = await asyncio.wait_for(anext(heard), 5)

    assert await rows(site, "SELECT sealing_key FROM device") == [(sealing_public(agent.key),)]
    assert told == {agent.id}


async def test_a_sealing_key_of_somebody_else_is_against_the_rules(site: Site) -> None:
    agent, thief = await site.enrol(), await site.enrol()
    socket, challenge = await site.dial()
    await say(socket, agent.hello(
        challenge, sealing_key=sealing_public(thief.key), sealing_proof=sealing_proof(thief.key)))

    with pytest.raises(ConnectionClosed):
        await socket.recv()
    assert await rows(site, "SELECT DISTINCT sealing_key FROM device") == [("",)]


async def test_a_gateway_that_stops_says_goodbye_to_every_link(site: Site) -> None:
    socket, welcome = await site.link(await site.enrol())
    assert site.work is not None
    site.work.cancel()
    with pytest.raises(ConnectionClosed) as caught:
        await hear(socket)

    assert welcome["t"] == "welcome"
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
