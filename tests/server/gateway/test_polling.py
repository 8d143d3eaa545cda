"""The link as long-poll: the same walk, one POST at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import JsonValue

from guru_server.clock import wall
from guru_server.telemetry.reading import newest_metrics
from guru_wire.link import MAX_FRAME
from tests.server.gateway.conftest import Agent, Frame, Site
from tests.server.gateway.test_link import layout, rows, sample


class Poller:
    """An agent's side of long-poll."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url
        self.session: str | None = None

    async def post(self, *messages: Frame, wait: float = 0) -> httpx.Response:
        body: dict[str, JsonValue] = {"session": self.session, "messages": list(messages), "wait": wait}
        return await self._client.post(self._url, json=body)

    async def ask(self, *messages: Frame, wait: float = 0) -> list[Frame]:
        response = await self.post(*messages, wait=wait)
        assert response.status_code == 200, response.text
        answer = response.json()
        self.session = answer["session"]
        frames: list[Frame] = answer["messages"]
        return frames

    async def shake_hands(self, agent: Agent) -> Frame:
        [challenge] = await self.ask()
        [welcome] = await self.ask(agent.hello(challenge))
        return welcome


@pytest.fixture
async def poller(site: Site) -> AsyncIterator[Poller]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        yield Poller(client, site.poll_url)


def of(kind: str, frames: list[Frame]) -> list[Frame]:
    """Without the news that may come with them."""
    return [frame for frame in frames if frame["t"] == kind]


async def test_the_whole_walk_works_over_long_poll(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    welcome = await poller.shake_hands(agent)
    digest = await site.publish(agent, b"bundle")

    ack = await poller.ask({"t": "batch", "items": [layout(1), sample(2, wall(), 1.0, 2.0)]}, wait=20)
    while {"t": "ack", "seq": 2} not in ack:
        ack += await poller.ask(wait=20)
    [desired] = of("desired", await poller.ask({"t": "pull"}))
    [chunk] = of("chunk", await poller.ask({"t": "fetch", "digest": digest}))

    assert welcome["t"] == "welcome"
    assert desired["manifest"] == site.manifests[agent.id].model_dump()
    assert (chunk["data"], chunk["total"]) == ("YnVuZGxl", 6)
    assert (await site.db.read(lambda c: newest_metrics(c, "main", agent.id)))["cpu_percent"] == 1.0


async def test_a_waiting_call_is_answered_when_there_is_news(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await poller.shake_hands(agent)
    waiting = asyncio.create_task(poller.ask(wait=20))
    await asyncio.sleep(0.2)

    await site.publish(agent, b"bundle", serial=4)

    assert await asyncio.wait_for(waiting, 10) == [{"t": "current", "serial": 4}]


async def test_a_second_call_sends_while_the_first_waits(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await poller.shake_hands(agent)
    waiting = asyncio.create_task(poller.ask(wait=20))
    await asyncio.sleep(0.2)

    sent = await poller.ask({"t": "batch", "items": [layout(1)]}, wait=0)
    frames = sent + (await asyncio.wait_for(waiting, 10) if not sent else [])
    waiting.cancel()

    assert frames == [{"t": "ack", "seq": 1}]


async def test_a_newer_waiting_call_lets_the_older_go(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await poller.shake_hands(agent)
    older = asyncio.create_task(poller.ask(wait=20))
    await asyncio.sleep(0.2)

    newer = asyncio.create_task(poller.ask(wait=0.3))

    assert await asyncio.wait_for(older, 10) == []
    assert await asyncio.wait_for(newer, 10) == []


async def test_a_serial_whose_news_was_lost_is_told_again(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await poller.shake_hands(agent)
    await site.publish(agent, b"bundle", serial=4)
    lost = await poller.ask(wait=5)

    again = await poller.ask(wait=0.2)
    await poller.ask({"t": "pull"})
    after = await poller.ask(wait=0.2)

    assert (lost, again, after) == ([{"t": "current", "serial": 4}],) * 2 + ([],)


async def test_a_session_that_nobody_calls_ends(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await poller.shake_hands(agent)

    async with asyncio.timeout(20):
        while len(site.gateway.registry):
            await asyncio.sleep(0.1)
    gone = await poller.post(wait=0)

    assert (gone.status_code, gone.json()["code"]) == (410, "G0404")


async def test_a_websocket_and_a_revocation_each_end_a_session(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await poller.shake_hands(agent)
    socket, _ = await site.link(agent)
    replaced = await poller.post(wait=5)
    poller.session = None
    await poller.shake_hands(agent)
    waiting = asyncio.create_task(poller.post(wait=20))
    await asyncio.sleep(0.1)

    await site.revoke(agent, tell=True)

    assert (await asyncio.wait_for(waiting, 5)).status_code == 410
    assert replaced.status_code == 410
    await socket.close()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"[]", 400), (b'{"session":1}', 400), (b'{"session":null,"messages":[1]}', 400),
        (b'{"session":"x","wait":"long"}', 400), (b'{"session":"x"}', 410),
        (b'{"session":null,"messages":"' + b"x" * (MAX_FRAME + (65 << 10)) + b'"}', 413),
    ],
)
async def test_a_call_against_the_rules_is_refused(site: Site, body: bytes, status: int) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(site.poll_url, content=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_broken_frame_ends_the_session(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await poller.shake_hands(agent)

    broken = await poller.post({"t": "batch", "items": [1]})

    assert broken.status_code == 410
    assert await rows(site, "SELECT count(*) FROM ingest_mark") == [(0,)]
