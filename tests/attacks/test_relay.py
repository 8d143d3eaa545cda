"""Whoever holds a relay, the gateway's TLS key or the bus delays and drops; nothing of what they invent is believed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import orjson
import psycopg
import pytest

from guru_policy.bundle import AgentSettings, Bundle, digest_of
from guru_server.bus_postgres import PostgresBus
from guru_server.clock import wall
from guru_server.gateway.items import Recorder
from guru_server.reconcile.refusals import refusal_recorder
from guru_wire.manifest import Manifest, seal_manifest
from guru_wire.orders import Command
from guru_wire.version import LANGUAGE
from tests.agent.conftest import Parts
from tests.agent.link_server import Fleet, until
from tests.attacks.relay import Relay, behind
from tests.conftest import Cluster, sqlite_url
from tests.server.gateway.conftest import Agent, Frame, Site, hear, say
from tests.server.gateway.test_link import layout, rows
from tests.server.reconcile.conftest import World, ident, world

__all__ = ["world"]

INVENTED = [f"{at:032x}" for at in range(20_000)]
Crowd = Callable[[], Awaitable[Parts]]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What happens on a link does not depend on the kind of database."""
    return sqlite_url(tmp_path / "guru.db")


@pytest.fixture
def extra_recorders() -> dict[str, Recorder]:
    return {"refusal": refusal_recorder(wall)}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


@pytest.fixture
async def relay(site: Site, fleet: Fleet) -> AsyncIterator[Relay]:
    made = Relay(site, fleet)
    async with made.listening():
        yield made


@pytest.fixture
async def another(relay: Relay, site: Site, fleet: Fleet, tmp_path: Path) -> AsyncIterator[Crowd]:
    """Starts one more agent behind the relay."""
    async with AsyncExitStack() as running:
        async def start() -> Parts:
            return await running.enter_async_context(behind(relay, site, fleet, tmp_path))

        yield start


def named(parts: Parts) -> Agent:
    return Agent(parts.identity.trusted.device, parts.identity.key)


def bundle(heartbeat: int) -> bytes:
    return Bundle(language=LANGUAGE, agent=AgentSettings(heartbeat=heartbeat), resources=(), checks=()).to_bytes()


async def told(site: Site, word: str, agent: Agent) -> None:
    """Return once the server knows that the device refused something, for a reason with this word."""
    async with asyncio.timeout(20):
        while not any(word in str(row[0]) for row in await rows(
            site, f"SELECT message FROM refusal WHERE device = '{agent.id}'"
        )):
            await asyncio.sleep(0.02)


async def test_two_devices_get_each_others_states_and_take_none(site: Site, relay: Relay, another: Crowd) -> None:
    both = [await another(), await another()]
    one, two = map(named, both)

    def swap(device: str, frame: Frame) -> Frame:
        other = two.id if device == one.id else one.id
        return {"t": "desired", "manifest": site.manifests[other].model_dump()} if frame["t"] == "desired" else frame

    relay.held.clear()
    await site.publish(one, bundle(61))
    await site.publish(two, bundle(62))
    relay.twist = swap
    relay.held.set()
    for agent in (one, two):
        await told(site, "not for this one", agent)

    assert [parts.desired.serial for parts in both] == [0, 0]


async def test_an_old_state_that_is_said_again_is_refused(site: Site, relay: Relay, another: Crowd) -> None:
    parts = await another()
    await site.publish(named(parts), bundle(61), serial=1)
    await until(lambda: parts.desired.serial == 1)
    old = site.manifests[named(parts).id]
    await site.publish(named(parts), bundle(62), serial=2)
    await until(lambda: parts.desired.serial == 2)
    relay.twist = lambda _, frame: {"t": "desired", "manifest": old.model_dump()} if frame["t"] == "desired" else frame
    await site.publish(named(parts), bundle(63), serial=3)
    await told(site, "replayed", named(parts))

    assert parts.desired.serial == 2
    assert parts.desired.current is not None
    assert parts.desired.current.bundle.agent.heartbeat == 62


async def test_a_state_that_is_kept_back_past_its_end_is_worth_nothing(
    site: Site, relay: Relay, another: Crowd
) -> None:
    parts = await another()
    agent, ends, data = named(parts), wall() + 500, bundle(61)
    short = Manifest(device=agent.id, serial=1, revision="r", bundle=digest_of(data), issued_at=wall(), expires_at=ends)
    relay.held.clear()
    await site.publish(agent, data)
    site.manifests[agent.id] = seal_manifest(site.state_key, short)
    while wall() <= ends + 50:
        await asyncio.sleep(0.05)
    relay.held.set()
    await told(site, "expired", agent)

    assert parts.desired.current is None


@pytest.mark.parametrize("spoil", ["manifest", "content"])
async def test_one_altered_byte_is_enough_to_be_refused(
    site: Site, relay: Relay, another: Crowd, spoil: str
) -> None:
    parts = await another()

    def alter(_: str, frame: Frame) -> Frame:
        text = orjson.dumps(frame).decode()
        if spoil == "manifest" and frame["t"] == "desired":
            return orjson.loads(text.replace('\\"serial\\":1', '\\"serial\\":9'))
        if spoil == "content" and frame["t"] == "chunk":
            data = bytearray(base64.b64decode(str(frame["data"])))
            data[len(data) // 2] ^= 1
            return {**frame, "data": base64.b64encode(data).decode()}
        return frame

    relay.twist = alter
    await site.publish(named(parts), bundle(61))
    await told(site, "signature" if spoil == "manifest" else "digest", named(parts))

    assert parts.desired.current is None


async def test_what_was_dropped_is_asked_for_again_and_nothing_else_took_its_place(
    site: Site, relay: Relay, another: Crowd
) -> None:
    parts = await another()
    relay.twist = lambda _, frame: None if frame["t"] in ("current", "desired") else frame
    await site.publish(named(parts), bundle(61))
    async with asyncio.timeout(20):
        while not [frame for _, frame in relay.seen if frame["t"] == "current"]:
            await asyncio.sleep(0.02)
    before = parts.desired.current
    relay.twist = lambda _, frame: frame
    await relay.links[named(parts).id].close()
    await until(lambda: parts.desired.serial == 1)

    assert before is None


async def test_orders_that_are_swapped_late_altered_or_doubled_run_at_most_once(
    site: Site, relay: Relay, another: Crowd, fleet: Fleet, tmp_path: Path
) -> None:
    one, two = await another(), await another()
    mine, theirs = named(one).id, named(two).id

    def touch(name: str) -> Command:
        return Command(script=f"echo x >> {tmp_path}/{name}")

    swapped, genuine = (fleet.order(touch(name), device=mine) for name in ("swapped", "genuine"))
    late = fleet.order(touch("late"), device=mine, issued_at=wall() - 60_000, expires_at=wall() - 30_000)
    other = fleet.order(touch("altered"), device=mine)
    altered = other.model_copy(update={"order": other.order.model_copy(update={
        "payload": other.order.payload.replace("altered", "ALTERED")})})
    await relay.inject(theirs, swapped)
    for word in (late, altered, genuine, genuine, genuine):
        await relay.inject(mine, word)
    await told(site, "other devices", named(two))
    await told(site, "signature", named(one))
    await until(lambda: (tmp_path / "genuine").exists())
    await relay.inject(mine, genuine)
    await relay.inject(mine, fleet.order(touch("last"), device=mine))
    await until(lambda: (tmp_path / "last").exists())

    assert (tmp_path / "genuine").read_text() == "x\n"
    assert {one for one in ("swapped", "late", "altered", "ALTERED") if (tmp_path / one).exists()} == set()


@pytest.mark.parametrize("frame", [
    {"t": "desired", "manifest": {"payload": "{}", "signature": "AA=="}}, {"t": "current", "serial": 1 << 62},
    {"t": "shell", "argv": ["id"]}, {"t": "chunk", "digest": "../../x", "offset": 0, "total": 1, "data": "eA=="},
    {"t": "chunk", "digest": "a" * 64, "offset": 0, "total": 1 << 60, "data": "eA=="}, {"t": ["ack"]}, {},
])
async def test_an_invented_word_changes_nothing_and_the_next_genuine_state_is_taken(
    site: Site, relay: Relay, another: Crowd, frame: Frame
) -> None:
    parts = await another()
    await relay.inject(named(parts).id, frame)
    await site.publish(named(parts), bundle(61))
    await until(lambda: parts.desired.serial == 1)

    assert parts.desired.current is not None
    assert parts.desired.current.bundle.agent.heartbeat == 61


@pytest.mark.parametrize("topic", ["revoked", "manifest", "orders"])      # what a gateway listens to
async def test_a_bus_that_invents_ids_ends_no_link_and_gives_nobody_anything(site: Site, topic: str) -> None:
    agent = await site.enrol()
    socket, _ = await site.link(agent)
    for ids in ([], [agent.id], ["", "*", "%", "'; DROP TABLE device; --", "x" * 5000], INVENTED):
        await site.bus.publish(topic, ids)
    await asyncio.sleep(0.2)
    await say(socket, {"t": "batch", "items": [layout(1)]})

    assert await hear(socket) == {"t": "ack", "seq": 1}
    await socket.close()


async def test_a_bus_that_invents_devices_has_nobody_compiled_anew(world: World) -> None:
    await world.sync()
    before = await world.bundles()

    assert await world.reconciler.refresh({*INVENTED, ident("acme/hq/web1")}) == 0
    assert await world.bundles() == before != {}


async def test_whoever_can_notify_in_the_database_does_not_deafen_the_server(postgres: Cluster) -> None:
    bus = PostgresBus(url := postgres.url("postgres"))
    running = asyncio.create_task(bus.run())
    heard = bus.subscribe("revoked")
    junk = ["", "x", "null", "1", "{}", "[]", "[1,2,3]", '["a","revoked",3]', '["a",{},[]]', '[["a"],"revoked",[]]',
            '["a","revoked",[1,null,{}]]', '["a","revoked",["\\u0000"]]', "[" * 3000, '"' + "x" * 7000]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as stranger:
        async def notify(text: str) -> None:
            await stranger.execute("SELECT pg_notify('guru', %s)", (text,))

        first: frozenset[str] = frozenset()
        while "first" not in first:                 # LISTEN takes a moment
            await notify('["b","revoked",["first"]]')
            try:
                first = await asyncio.wait_for(anext(heard), 0.2)
            except TimeoutError:
                continue
        for text in junk:
            await notify(text)
        for at in range(300):
            await notify(f'["b","invented {at}",["x"]]')
        await notify('["b","revoked",["last"]]')
        found: set[str] = set()
        while "last" not in found:
            found |= await asyncio.wait_for(anext(heard), 10)

    assert found <= {"first", "last"}
    assert not running.done()
    assert len(bus._local._subscriptions) == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
