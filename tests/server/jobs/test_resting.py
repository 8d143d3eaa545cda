"""Who looks after jobs rests while there are none, and is woken by the first."""

from __future__ import annotations

import asyncio

from guru_server.bus import LocalBus, ringing
from guru_server.jobs.coordinating import EVERY, IDLE
from tests.server.jobs.conftest import Office


async def test_without_open_jobs_it_rests_and_a_new_job_rings(office: Office) -> None:
    [device] = await office.devices("pc1")
    await office.look()
    idle = office.coordinator.rest
    async with ringing(office.api.bus, "job_news", "orders") as rang:
        made = await office.order(selector="@acme")
        async with asyncio.timeout(20):
            await rang.wait()
    await office.look()
    busy = office.coordinator.rest
    await office.give(device)
    await office.say(device, job=made["id"], state="succeeded", at=office.api.clock(), exit_code=0)
    await office.look()                 # it ends the job
    await office.look()

    assert (idle, busy, office.coordinator.rest) == (IDLE, EVERY, IDLE)


async def test_any_of_the_topics_rings_and_nobody_listens_afterwards() -> None:
    bus = LocalBus()
    async with ringing(bus, "one", "two") as rang:
        for topic in ("one", "two"):
            rang.clear()
            await bus.publish(topic)
            async with asyncio.timeout(20):
                await rang.wait()
        rang.clear()
    await bus.publish("one")
    await asyncio.sleep(0)

    assert not rang.is_set()
