"""How a file moves, on a terminal: bytes and rate on the line of progress. In a pipe it says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from gurucli.human import size
from gurucli.out import Out
from gurucli.progress import Progress

Clock = Callable[[], float]
Show = Callable[[int, int | None], None]        # bytes that are there, and of how many


class Moving:
    """One file, until `done`."""

    def __init__(self, out: Out, name: str, clock: Clock = time.monotonic) -> None:
        self._progress = Progress(out, moving=out.side.glyphs) if out.side.glyphs else None
        self._name, self._clock, self._began, self._first = name, clock, clock(), -1

    def show(self, at: int, whole: int | None) -> None:
        """So many bytes are there, of as many or of nobody knows how many. The rate is of this run alone."""
        if self._progress is None:
            return
        if self._first < 0:
            self._first, self._began = at, self._clock()
        passed = self._clock() - self._began
        rate = f", {size((at - self._first) / passed)}/s" if passed > 0.5 and at > self._first else ""
        of = f" of {size(whole)}" if whole is not None else ""
        self._progress.show(at / whole if whole else 0.0, f"{self._name}: {size(at)}{of}{rate}")

    def done(self) -> None:
        """Clear the line."""
        if self._progress is not None:
            self._progress.done()
