"""The bus: news reaches every subscriber, coalesced, in this process and in others."""

from __future__ import annotations

import asyncio

import orjson

from guru_server.bus import Bus, LocalBus, Subscription
from guru_server.bus_postgres import PAYLOAD, PostgresBus, payloads
from tests.conftest import Cluster


async def soon(heard: Subscription) -> frozenset[str]:
    return await asyncio.wait_for(anext(heard), 10)


async def test_news_is_coalesced_until_it_is_heard() -> None:
    bus = LocalBus()
    heard, other = bus.subscribe("manifest"), bus.subscribe("checks")
    await bus.publish("manifest", ["a", "b"])
    await bus.publish("manifest", ["b", "c"])
    await bus.publish("checks")

    assert await soon(heard) == {"a", "b", "c"}
    assert await soon(other) == frozenset()


async def test_a_closed_subscription_hears_nothing() -> None:
    bus = LocalBus()
    with bus.subscribe("git") as heard:
        pass
    await bus.publish("git", ["x"])

    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


def test_payloads_fit_into_a_notify_and_lose_nothing() -> None:
    ids = {f"{at:032x}" for at in range(2000)}
    texts = list(payloads("me", {"manifest": ids, "git": set()}))

    assert max(len(text.encode()) for text in texts) < PAYLOAD
    found = [orjson.loads(text) for text in texts]
    assert {one for _, topic, part in found if topic == "manifest" for one in part} == ids
    assert ["me", "git", []] in found


async def test_news_crosses_from_one_process_to_another(postgres: Cluster) -> None:
    url = postgres.url("postgres")
    here, there = PostgresBus(url), PostgresBus(url)
    running = [asyncio.create_task(bus.run()) for bus in (here, there)]
    heard, own = there.subscribe("manifest"), here.subscribe("manifest")
    ids = {f"{at:032x}" for at in range(1000)}
    await until_linked(here, there)
    await here.publish("manifest", ids)
    received: set[str] = set()
    while received != ids:
        received |= await soon(heard)

    assert await soon(own) == ids
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def until_linked(here: Bus, there: Bus) -> None:
    """Publish until the other side hears, since LISTEN takes a moment."""
    heard = there.subscribe("git")
    for _ in range(200):
        await here.publish("git", ["hello"])
        try:
            await asyncio.wait_for(anext(heard), 0.05)
        except TimeoutError:
            continue
        return
    raise AssertionError("the two processes never met")
