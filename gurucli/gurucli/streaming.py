"""Follows the stream of events from a cursor, through cut lines and restarts. It prints nothing and keeps nothing.

The cursor moves with each answer, so what came is never asked for again and nothing in between is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from guru_policy.errors import DeadlinePassed, GuruError, Unreachable
from gurucli.answers_events import Event, Events
from gurucli.client import Client

HELD, SLACK = 20.0, 5.0                 # seconds that the server holds an answer back, and what a client adds to that
FIRST, LONGEST = 0.5, 10.0              # seconds between tries while nobody answers
PAGE = 500
AWAY = (Unreachable, DeadlinePassed)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; `after` a cursor or `newest`, else from `since` (ms UTC) on, else all that are kept."""

    types: str = ""
    selector: str = ""
    after: str = ""
    since: int | None = None


class Stream:
    """One reader's place in the stream. `cursor` continues after everything that was handed out whole."""

    def __init__(
        self, server: Client, wanted: Wanted, *, say: Callable[[str], None] = lambda _: None, patience: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._server, self._wanted, self._say, self._sleep = server, wanted, say, sleep
        self._wait = max(1.0, min(HELD, patience - SLACK))
        self.cursor = wanted.after

    def kept(self) -> Iterator[Event]:
        """What there is already, to its end."""
        more = True
        while more:
            answer = self._ask(0.0)
            yield from answer["items"]
            more = answer["more"]

    def followed(self, quiet: float = 0.0) -> Iterator[Event]:
        """The same, and whatever happens from then on. A server that goes away is waited for, once it was there.

        It never ends, or with `quiet` once so many seconds brought nothing.
        """
        pause, answered, heard = FIRST, False, time.monotonic()
        while not quiet or time.monotonic() - heard < quiet:
            try:
                left = heard + quiet - time.monotonic() if quiet else self._wait
                answer = self._ask(max(0.0, min(self._wait, left)))
            except GuruError as away:
                if not answered or not (isinstance(away, AWAY) or type(away) is GuruError):
                    raise
                if pause == FIRST:
                    self._say(f"{away.message}: trying again, nothing is lost")
                self._sleep(pause)
                pause = min(LONGEST, pause * 2)
                continue
            if pause != FIRST:
                self._say("the server is back")
            pause, answered = FIRST, True
            if answer["items"]:
                heard = time.monotonic()
            yield from answer["items"]

    def _ask(self, wait: float) -> Events:
        wanted, since = self._wanted, None if self.cursor else self._wanted.since
        answer = self._server.get(Events, "/events", after=self.cursor, since=since, type=wanted.types,
                                  selector=wanted.selector, limit=PAGE, wait=f"{wait:.1f}")
        if answer["forgotten"]:
            self._say("the server no longer keeps what followed your cursor: events are missing here")
        self.cursor = answer["cursor"]
        return answer
