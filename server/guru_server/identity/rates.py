"""How often one address may knock: a bounded table of token buckets, in memory. The time is passed in."""

from __future__ import annotations

from collections import OrderedDict

from guru_policy.errors import Refused

ADDRESSES = 10_000                      # the one that knocked longest ago is forgotten first


class TooMany(Refused):
    """Too many attempts; come back later. Answered with 429."""


class Rates:
    """`burst` attempts at once, then `rate` a second, for each address."""

    def __init__(self, burst: int, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, address: str, now: int) -> None:
        """Raise TooMany when nothing is left for this address; `now` is ms."""
        if self._left(address, now) < 1:
            raise TooMany("too many attempts from this address", hint="wait a minute, then try again")

    def take(self, address: str, now: int) -> None:
        """Count an attempt, and raise TooMany when it was one too many."""
        self.check(address, now)
        self.count(address, now)

    def count(self, address: str, now: int) -> None:
        """Count an attempt, whatever is left."""
        self._buckets[address] = (max(0.0, self._left(address, now) - 1), now)
        self._buckets.move_to_end(address)
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)

    def _left(self, address: str, now: int) -> float:
        left, then = self._buckets.get(address, (float(self._burst), now))
        return min(self._burst, left + max(0, now - then) / 1000 * self._rate)
