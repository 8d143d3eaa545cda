"""Keeps the agent's loops alive: one that crashes starts again after a while. It decides nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from guru_agent.logs import say
from guru_agent.state.store import StoreDamaged
from guru_policy.errors import GuruError

LOG = logging.getLogger(__name__)
LONGEST = 60.0                          # seconds between two starts
ResultT = TypeVar("ResultT")


class Crashed(NamedTuple, Generic[ResultT]):
    """What a guarded call left behind when it did not end well."""

    message: str


async def keep_alive(
    name: str, job: Callable[[], Awaitable[None]], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Run `job` again whenever it ends or crashes, with back-off; logs the same crash once.

    Only cancelling ends it, and StoreDamaged, which no loop can mend.
    """
    wait, said = 1.0, ""
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await job()
        except StoreDamaged:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            if reason != said:
                fields = {"fields": {"part": name}}
                LOG.exception("a part of the agent crashed and starts again", extra=fields)
            said = reason
        else:
            say(LOG, "a part of the agent ended and starts again", logging.WARNING, part=name)
        if asyncio.get_running_loop().time() - began > LONGEST:
            wait, said = 1.0, ""
        await sleep(wait)
        wait = min(LONGEST, wait * 2)


async def guarded(job: Awaitable[ResultT], limit: float) -> ResultT | Crashed[ResultT]:
    """The result of something that may hang or hold a bug of ours, so that its neighbours go on.

    `limit` is in seconds. Raises StoreDamaged only.
    """
    try:
        async with asyncio.timeout(limit):
            return await job
    except StoreDamaged:
        raise
    except TimeoutError:
        return Crashed(f"not done within {limit:g} s")
    except GuruError as error:
        return Crashed(error.message)
    except Exception as error:
        LOG.exception("crashed")
        return Crashed(f"crashed: {type(error).__name__}")
