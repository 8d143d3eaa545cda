"""Runs the bundle's checks, each on its own interval, a few at a time. It changes nothing on the machine.

A verdict goes into the spool when the check's state changed, and at least every 15 minutes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection

import orjson
from pydantic import ValidationError

from guru_agent.clock import Clock
from guru_agent.sampling.verdicts import Verdicts
from guru_agent.state.desired import Desired
from guru_agent.supervise import Crashed, guarded
from guru_policy.bundle import PlacedCheck, digest_of
from guru_policy.checks import CHECKS
from guru_policy.checks.base import Check
from guru_policy.host import Host
from guru_policy.own_check import OWN_CHECK
from guru_policy.verdict import State, Verdict

AT_ONCE = 4
JITTER = 0.1                            # of the interval
FIRST = 5.0                             # seconds over which the first samples are spread
SHORTEST, LONGEST = 90.0, 300.0         # seconds that one sample may take; in between, its interval
ENDING = 10.0                           # seconds more than a check's own timeout, so that this is what counts


class CheckRunner:
    """Keeps one task for each check of the accepted bundle; a check that did not change is left running."""

    def __init__(
        self, desired: Desired, host: Host, verdicts: Verdicts, clock: Clock,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._desired, self._host, self._verdicts, self._clock = desired, host, verdicts, clock
        self._jitter = jitter
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Sample until cancelled."""
        try:
            version = -1
            while True:
                version = await self._next(version)
                await self._adjust()
        finally:
            await _end(self._tasks.values())
            self._tasks.clear()

    async def _next(self, version: int) -> int:
        """The next version of the desired state; what crashed in a check's task is raised here."""
        news = asyncio.create_task(self._desired.after(version))
        try:
            await asyncio.wait([news, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks.values():
                if task.done():
                    task.result()
            return await news
        finally:
            news.cancel()

    async def _adjust(self) -> None:
        current = self._desired.current
        placed_checks = current.bundle.checks if current else ()
        wanted = {check_digest(placed): placed for placed in placed_checks if placed.id != OWN_CHECK}
        gone = [digest for digest in self._tasks if digest not in wanted]
        await _end([self._tasks.pop(digest) for digest in gone])
        self._verdicts.forget_others(frozenset({OWN_CHECK, *(placed.id for placed in wanted.values())}))
        for digest, placed in wanted.items():
            if digest not in self._tasks:
                self._tasks[digest] = asyncio.create_task(self._watch(placed, digest))

    async def _watch(self, placed: PlacedCheck, digest: str) -> None:
        every = float(max(1, placed.every))
        check = _read(placed, self._host.platform)
        await asyncio.sleep(self._jitter(0, min(FIRST, every)))
        due = self._clock.monotonic()
        while True:
            async with self._gate:
                found = await self._sample(check, every)
            self._verdicts.found(placed.id, digest, found)
            due = max(due + every, self._clock.monotonic())
            pause = due - self._clock.monotonic() + every * self._jitter(-JITTER, JITTER)
            await asyncio.sleep(max(0.0, pause))

    async def _sample(self, check: Check | str, every: float) -> Verdict:
        if isinstance(check, str):
            return Verdict(state=State.unknown, message=check)
        found = await guarded(check.sample(self._host), most_time(check, every))
        if isinstance(found, Crashed):
            return Verdict(state=State.unknown, message=found.message)
        return found


def most_time(check: Check, every: float) -> float:
    """Seconds that one sample may take: what the interval allows, and never less than the spec's own timeout."""
    return max(min(LONGEST, max(SHORTEST, every)), check.patience + ENDING)


def check_digest(placed: PlacedCheck) -> str:
    """The name of a check as it is to be run: equal checks, equal digests."""
    data = [placed.id, placed.kind, placed.every, placed.spec]
    return digest_of(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))


def _read(placed: PlacedCheck, platform: str) -> Check | str:
    """The check, or why this agent cannot run it."""
    kind = CHECKS.get(placed.kind)
    if kind is None:
        return f"this agent does not know the check kind {placed.kind[:64]}"
    if platform not in kind.platforms:
        return f"{placed.kind} is not there on {platform}"
    try:
        return kind.model_validate_json(orjson.dumps({**placed.spec, "kind": placed.kind}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"this agent cannot read {'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
