"""Whose turn it is to be compiled again: a device that changes all the time waits. Pure: the time is passed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection


class Turns:
    """A device's first `most` changes in `rest` seconds count at once; its later ones together, at their end."""

    def __init__(self, rest: float, most: int, now: float) -> None:
        self._rest, self._most, self._end = rest, most, now + rest
        self._had: Counter[str] = Counter()
        self._waiting: set[str] = set()

    def take(self, changed: Collection[str], now: float) -> frozenset[str]:
        """The devices to compile now; the others wait."""
        asking = {*changed}
        if now >= self._end:
            asking |= self._waiting
            self._had, self._waiting, self._end = Counter(), set(), now + self._rest
        ready = frozenset(device for device in asking if self._had[device] < self._most)
        self._had.update(ready)
        self._waiting |= asking - ready
        return ready

    def until(self, now: float) -> float | None:
        """Seconds until those that wait have their turn; None when nobody does."""
        return max(0.0, self._end - now) if self._waiting else None
