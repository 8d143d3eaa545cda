"""A real server, killed with -9 at every stage of an ingest: nothing lost, nothing stored twice."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.faults.sender import Sender, stored
from tools.lab.world import World, wait_until

pytestmark = pytest.mark.fault

STAGES = ("ingest-received", "ingest-stored", "ingest-committed", "ingest-acked")


@pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)
async def test_no_report_and_no_sample_is_lost_or_doubled_whenever_the_server_dies(world: World) -> None:
    sender = await Sender.enrolled(world, "acme-ledger")
    running = asyncio.create_task(sender.run())
    ends = []
    for stage in STAGES:
        world.server.kill()
        world.start_server({"GURU_SERVER_KILL_AT": stage}, wait=False)
        sender.fill(8)
        await asyncio.to_thread(wait_until, f"it dies at {stage}", lambda: not world.server.running)
        ends.append(world.server.exit_code)
        sender.fill(3)
        world.start_server()
        await sender.settled()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert ends == [-signal.SIGKILL] * len(STAGES)
    assert sender.lost == []
    assert stored(world, sender) == sender.sent
