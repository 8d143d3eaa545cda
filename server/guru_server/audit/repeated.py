"""What anybody may repeat without end, told without flooding the log: the first of a kind, then a count.

A kind is told at once and what repeats it within a window makes one more row, when the window ends. Strangers may
invent kinds: of theirs only so many are told in a window, and all others share one. Memory is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from guru_policy.errors import GuruError
from guru_server.audit.log import Deed, append
from guru_server.clock import Clock
from guru_server.store.database import Database

log = logging.getLogger("guru.audit")
WINDOW = 600_000                        # ms
KINDS = 100                             # of strangers, told apart in one window
MOST = 10_000                           # kinds of people who signed in
MOST_OF_ONE = 100                       # of them by one person under one rule, told apart in one window
STRANGER = "anybody"                    # the actor of whoever did not sign in
LOOK = 60.0                             # seconds between two looks at what ended


@dataclass(slots=True)
class Window:
    """One kind since its first time; `more` times after that were only counted."""

    deed: Deed
    began: int
    more: int = 0


class Tally:
    """Decides what to tell; the clock is handed in."""

    def __init__(self, window: int = WINDOW, kinds: int = KINDS, most: int = MOST) -> None:
        self._window, self._kinds, self._most = window, kinds, most
        self._open: dict[Deed, Window] = {}
        self._of: Counter[tuple[str, str, str]] = Counter()
        self._strangers = 0

    def take(self, deed: Deed, now: int) -> Deed | None:
        """What to tell now, if anything."""
        stranger = deed.actor == STRANGER
        kind = deed._replace(request="")
        whose = (deed.actor, deed.action, deed.rule)
        many = self._strangers >= self._kinds if stranger else (
            len(self._open) >= self._most or self._of[whose] >= MOST_OF_ONE)
        if kind not in self._open and many:
            kind = Deed(deed.actor, deed.action, "", "of many kinds", rule="" if stranger else deed.rule)
            deed = kind
        known = self._open.get(kind)
        if known is not None and now - known.began < self._window:
            known.more += 1
            return None
        if known is None and stranger:
            self._strangers += 1
        if known is None:
            self._of[whose] += 1
        self._open[kind] = Window(deed, now)
        return deed._replace(result=_counted(deed, known.more)) if known and known.more else deed

    def ended(self, now: int, *, all_of_them: bool = False) -> list[Deed]:
        """Rows for what was counted in windows that are over; they are forgotten."""
        over = [kind for kind, one in self._open.items() if all_of_them or now - one.began >= self._window]
        gone = [self._open.pop(kind) for kind in over]
        self._of -= Counter((kind.actor, kind.action, kind.rule) for kind in over)
        self._strangers = max(0, self._strangers - sum(one.deed.actor == STRANGER for one in gone))
        return [one.deed._replace(result=_counted(one.deed, one.more), request="") for one in gone if one.more]



class Repeated:
    """Tells the log. Nothing that it is told of fails because the log cannot be written."""

    def __init__(self, db: Database, clock: Clock, tally: Callable[[], Tally] = Tally) -> None:
        self._db, self._clock, self._tally = db, clock, tally()

    async def note(self, deed: Deed) -> None:
        """Tell of it, or count it."""
        now = self._clock()
        told = self._tally.take(deed, now)
        if told is not None:
            await self._write([told], now)

    async def run(self) -> None:
        """Tell what was counted, whenever a window ends and at the end, until cancelled."""
        try:
            while True:
                await asyncio.sleep(LOOK)
                await self._write(self._tally.ended(self._clock()), self._clock())
        finally:
            await self._write(self._tally.ended(self._clock(), all_of_them=True), self._clock())

    async def _write(self, deeds: list[Deed], now: int) -> None:
        if not deeds:
            return
        try:
            await self._db.write(lambda connection: append(connection, now, deeds))
        except GuruError as error:
            log.warning("%d rows are missing in the audit log: %s", len(deeds), error)


def _counted(deed: Deed, more: int) -> str:
    return f"{deed.result} ({more} more times)"
