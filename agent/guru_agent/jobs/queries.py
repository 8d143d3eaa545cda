"""A query as a job: its answer is what the job prints, a line of JSON for each part. It runs no SQL itself."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from guru_agent.jobs.tape import Heard
from guru_agent.query.asking import ask
from guru_policy.errors import DeadlinePassed
from guru_wire.querying import Query


class Told(NamedTuple):
    """How the answer ended."""

    state: Literal["succeeded", "failed", "timed_out", "cancelled"]
    reason: str = ""


async def told_to(query: Query, root: Path | None, heard: Heard, cancel: asyncio.Event) -> Told:
    """Hand the parts of the answer to `heard` as they come, until the end or until `cancel`."""
    answer = asyncio.ensure_future(_told(query, root, heard))
    stop = asyncio.ensure_future(cancel.wait())
    try:
        await asyncio.wait({answer, stop}, return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else Told("cancelled", "it was ended while it ran")
    finally:
        for task in (answer, stop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _told(query: Query, root: Path | None, heard: Heard) -> Told:
    last = b"{}"
    async with contextlib.aclosing(ask(query, root)) as parts:
        async for last in parts:
            heard("out", last + b"\n")
    end = orjson.loads(last)
    if end["t"] != "failed":
        return Told("succeeded")
    return Told("timed_out" if end["code"] == DeadlinePassed.code else "failed", end["message"])
