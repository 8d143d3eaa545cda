"""Keeps background jobs running: one that fails is logged and started again, later each time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from guru_policy.errors import GuruError

log = logging.getLogger("guru.jobs")
LONGEST = 60.0                          # seconds between two starts of a job that keeps failing
STEADY = 120.0                          # seconds after which a job counts as healthy again

Job = Callable[[], Awaitable[None]]


async def supervise(jobs: Mapping[str, Job]) -> None:
    """Run every job until cancelled."""
    async with asyncio.TaskGroup() as group:
        for name, job in jobs.items():
            group.create_task(_keep(name, job), name=name)


async def _keep(name: str, job: Job) -> None:
    delay = 0.5
    while True:
        started = time.monotonic()
        try:
            await job()
            log.warning("the job %s ended; it starts again", name)
        except GuruError as error:
            log.warning("the job %s failed: %s", name, error)
        except Exception:
            log.exception("the job %s failed; it starts again in %.0f s", name, delay)
        if time.monotonic() - started > STEADY:
            delay = 0.5
        await asyncio.sleep(delay)
        delay = min(LONGEST, delay * 2)
