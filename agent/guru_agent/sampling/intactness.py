"""The agent's check of itself: its files against its installer's list, at the start and daily. It mends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from guru_agent.clock import Clock
from guru_agent.installed import Installed
from guru_agent.logs import plain
from guru_agent.sampling.verdicts import Verdicts
from guru_policy.errors import GuruError
from guru_policy.own_check import OWN_CHECK
from guru_policy.verdict import State, Verdict
from guru_wire.version import VERSION

DAILY = 24 * 3600.0                     # seconds between two comparisons
TOLD = 600.0                            # seconds until the verdict is handed on again
NAMED = 10                              # files that a message names
FIRST = 5.0                             # seconds after the start, which has other things to do


class Intactness:
    """`look` compares."""

    def __init__(self, look: Callable[[], Awaitable[Installed]], verdicts: Verdicts, clock: Clock) -> None:
        self._look, self._verdicts, self._clock = look, verdicts, clock

    async def run(self) -> None:
        """Compare and tell until cancelled."""
        await asyncio.sleep(FIRST)
        while True:
            found = await self.look()
            over = self._clock.monotonic() + DAILY
            while self._clock.monotonic() < over:
                self._verdicts.found(OWN_CHECK, "1", found)
                await asyncio.sleep(TOLD)

    async def look(self) -> Verdict:
        """One comparison."""
        try:
            return judged(await self._look())
        except GuruError as error:
            return Verdict(state=State.unknown, message=error.message)


def judged(found: Installed) -> Verdict:
    """What it means: a difference is critical, and a working copy is nothing that could be compared."""
    if found.in_place:
        return Verdict(state=State.unknown, message=f"{VERSION} runs from a working copy: nothing to compare with")
    build = f"{VERSION}, build {found.digest[:12]}"
    if not found.differing:
        return Verdict(state=State.ok, message=f"{build}: {found.files} files as installed", value=0, unit="files")
    names = ", ".join(plain(name, 60) for name in found.differing[:NAMED])
    more = len(found.differing) - NAMED
    return Verdict(
        state=State.critical, value=len(found.differing), unit="files",
        message=f"{build}: not as installed: {names}" + (f" and {more} more" if more > 0 else ""),
    )
