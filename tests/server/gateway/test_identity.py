"""Held devices, cloned keys and renewed keys on the link, with false alarms tried out."""

from __future__ import annotations

import asyncio
import base64
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from guru_server.clock import wall
from guru_server.fleet.cloning import Processes
from guru_server.fleet.holding import ask_rotation, hold, known_key
from guru_wire.link import rekey_bytes
from guru_wire.sealing import sealing_proof, sealing_public
from guru_wire.signing import public_bytes, sign
from tests.server.gateway.conftest import Agent, Frame, Site, hear, say
from tests.server.gateway.test_link import layout, rows, sample

A, B, C = "a" * 32, "b" * 32, "c" * 32


async def link(site: Site, agent: Agent, process: str = "", **more: str | int) -> tuple[ClientConnection, Frame]:
    socket, challenge = await site.dial()
    await say(socket, agent.hello(challenge, process=process, **more))
    return socket, await hear(socket)


async def held(site: Site, agent: Agent, state: str) -> None:
    await site.db.write(lambda connection: hold(connection, "main", agent.id, state, "a test", wall()))  # type: ignore[arg-type]
    await site.bus.publish("revoked", {agent.id})


async def stands(site: Site) -> list[tuple[object, ...]]:
    return await rows(site, "SELECT held, held_why FROM device")


def rekey(agent: Agent, new: Ed25519PrivateKey, **other: str) -> Frame:
    public, old = (base64.b64encode(public_bytes(key)).decode() for key in (new, agent.key))
    signed = rekey_bytes(device=agent.id, old=old, new=public)
    frame: Frame = {
        "t": "rekey", "public_key": public, "proof": base64.b64encode(sign(agent.key, "rekey", signed)).decode(),
        "consent": base64.b64encode(sign(new, "rekey", signed)).decode(), "sealing_key": sealing_public(new),
        "sealing_proof": sealing_proof(new),
    }
    return {**frame, **other}


@pytest.mark.parametrize("state", ["pending", "quarantined"])
async def test_a_held_device_gets_nothing_and_nothing_it_says_is_believed(site: Site, state: str) -> None:
    agent = await site.enrol()
    await site.publish(agent, b"{}", serial=4)
    await held(site, agent, state)
    socket, welcome = await link(site, agent)

    facts: Frame = {"seq": 3, "kind": "facts", "body": {"at": 1, "facts": {"os": "evil"}, "services": []}}
    await say(socket, {"t": "batch", "items": [layout(1), sample(2, wall(), 1.0), facts]})
    await say(socket, {"t": "pull"})
    pulled = await hear(socket)
    await say(socket, {"t": "fetch", "digest": "0" * 64, "offset": 0})
    fetched = await hear(socket)
    counted = await rows(site, "SELECT kind, count FROM withheld ORDER BY kind")

    assert (welcome["held"], welcome["serial"]) == (state, 0)
    assert (pulled, fetched["total"]) == ({"t": "desired", "manifest": None}, -1)       # and no acknowledgement
    assert counted == [("facts", 1), ("layout", 1), ("sample", 1)]
    assert await rows(site, "SELECT 1 FROM sample_head") == await rows(site, "SELECT 1 FROM ingest_mark") == []
    assert await rows(site, "SELECT facts FROM device") == [("{}",)]
    await socket.close()


async def test_a_live_link_is_cut_into_quarantine_and_back_again(site: Site) -> None:
    agent = await site.enrol()
    codes = []
    for state in ("quarantined", ""):
        socket, _ = await link(site, agent)
        await held(site, agent, state)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
        codes.append(closed.value.rcvd.code if closed.value.rcvd else 0)
    socket, welcome = await link(site, agent)
    await say(socket, {"t": "batch", "items": [layout(1)]})

    assert (codes, welcome["held"]) == ([4004, 4004], "")
    assert await hear(socket) == {"t": "ack", "seq": 1}
    await socket.close()


async def test_what_a_revoked_device_still_sends_is_counted_and_nothing_more(site: Site) -> None:
    agent = await site.enrol()
    await site.revoke(agent, tell=True)
    answers = [(await link(site, agent))[1]["t"] for _ in range(3)]
    stranger = Agent(agent.id, Ed25519PrivateKey.generate())
    await link(site, stranger)

    assert answers == ["refused"] * 3
    assert await rows(site, "SELECT kind, count FROM withheld") == [("hello", 3)]


async def test_a_cloned_key_puts_both_machines_in_quarantine(site: Site) -> None:
    agent = await site.enrol()
    told = [(await link(site, agent, process))[1]["held"] for process in (A, B, A, B)]
    both = [(await link(site, agent, process))[1]["held"] for process in (A, B)]
    state, why = (await stands(site))[0]

    assert (told, both) == (["", "", "", "quarantined"], ["quarantined"] * 2)
    assert (state, "two machines" in str(why)) == ("quarantined", True)
    assert await rows(site, "SELECT COUNT(*) FROM audit WHERE action = 'DeviceCloned'") == [(1,)]


@pytest.mark.parametrize("runs", [
    [A] * 12, [A, B, C, *(secrets.token_hex(16) for _ in range(12))], [A, A, B, B, B, C, C], [A, B, A],
    [A, B, A, C, secrets.token_hex(16)],
], ids=["a link that flaps", "restarts", "flaps and restarts", "one late hello", "a late hello, then restarts"])
async def test_what_is_no_clone_is_never_called_one(site: Site, runs: list[str]) -> None:
    agent = await site.enrol()
    told = [(await link(site, agent, process))[1]["held"] for process in runs]

    assert told == [""] * len(runs)


async def test_a_link_that_hangs_and_one_that_comes_back_are_one_machine(site: Site) -> None:
    agent = await site.enrol()
    hanging = [await link(site, agent, A) for _ in range(8)]        # the old ones are still open meanwhile
    restarted, welcome = await link(site, agent, B)

    assert (welcome["held"], await stands(site)) == ("", [("", "")])
    for socket, _ in (*hanging, (restarted, welcome)):
        await socket.close()


def test_agents_that_tell_no_name_prove_nothing() -> None:
    seen = Processes()
    for process in ("", "", A, "", B, "", C, ""):
        seen = seen.after(process)

    assert not seen.cloned


def test_a_clone_that_hides_behind_an_old_language_is_found() -> None:
    seen = Processes()
    for process in (A, "", A, "", A):
        seen = seen.after(process)

    assert seen.cloned


async def test_a_device_renews_its_key_and_the_old_one_is_worth_nothing(site: Site) -> None:
    agent, new = await site.enrol(), Ed25519PrivateKey.generate()
    socket, before = await link(site, agent)
    await site.db.write(lambda connection: ask_rotation(connection, "main", agent.id, wall()))
    await site.bus.publish("revoked", {agent.id})
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), 5)
    socket, asked = await link(site, agent)
    await say(socket, rekey(agent, new))
    answer = await hear(socket)
    _, by_old = await link(site, agent)
    renewed = Agent(agent.id, new, agent.spool)
    _, by_new = await link(site, renewed)
    old = base64.b64encode(public_bytes(agent.key)).decode()

    assert (before["rotate"], asked["rotate"], by_new["rotate"]) == (False, True, False)
    assert answer == {"t": "rekeyed", "public_key": base64.b64encode(public_bytes(new)).decode()}
    assert (by_old["t"], by_old["revoked"], by_new["t"]) == ("refused", False, "welcome")
    assert await site.db.read(lambda connection: known_key(connection, "main", old))
    assert await rows(site, "SELECT why FROM key_tombstone") == [("rotated",)]
    assert await rows(site, "SELECT sealing_key FROM device") == [(sealing_public(new),)]


@pytest.mark.parametrize("fault", ["proof", "consent", "sealing_proof", "public_key"])
async def test_a_new_key_that_is_not_signed_by_both_ends_the_link(site: Site, fault: str) -> None:
    agent = await site.enrol()
    await site.db.write(lambda connection: ask_rotation(connection, "main", agent.id, wall()))
    socket, _ = await link(site, agent)
    bad = rekey(agent, Ed25519PrivateKey.generate())
    other = rekey(agent, Ed25519PrivateKey.generate())
    await say(socket, {**bad, fault: other[fault]})
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), 5)

    assert (await link(site, agent))[1]["t"] == "welcome"


async def test_a_key_that_was_anybodys_is_no_new_key(site: Site) -> None:
    agent, other = await site.enrol(), await site.enrol()
    await site.db.write(lambda connection: ask_rotation(connection, "main", agent.id, wall()))
    socket, _ = await link(site, agent)
    await say(socket, rekey(agent, other.key))
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), 5)

    assert (await link(site, agent))[1]["t"] == (await link(site, other))[1]["t"] == "welcome"


async def test_a_rotation_that_nobody_asked_for_ends_the_link(site: Site) -> None:
    agent = await site.enrol()
    socket, _ = await link(site, agent)
    await say(socket, rekey(agent, Ed25519PrivateKey.generate()))
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), 5)

    assert await rows(site, "SELECT 1 FROM key_tombstone") == []


async def test_an_old_key_asks_for_renewal_and_an_agent_that_cannot_is_not_asked(site: Site) -> None:
    agent = await site.enrol()
    year = 366 * 86_400_000
    await site.db.write(lambda connection: connection.exec_driver_sql(
        f"UPDATE device SET enrolled_at = enrolled_at - {year}"))
    _, able = await link(site, agent)
    _, older = await link(site, agent, language=5)

    assert (able["rotate"], older["rotate"]) == (True, False)
