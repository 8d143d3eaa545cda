"""Where a connection comes from, and how many at once may come from there. Pure; it closes nothing."""

from __future__ import annotations

import ipaddress
from collections import Counter


def origin_of(host: str) -> str:
    """The address that counts: an IPv6 network of 64 bits is one, since whoever has one address has all."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    return str(address.ipv4_mapped or ipaddress.IPv6Network((address, 64), strict=False))


class Places:
    """At most `most` places in all, and at most `each` for one origin."""

    def __init__(self, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._held: Counter[str] = Counter()
        self._all = 0

    def take(self, origin: str) -> bool:
        """Take a place; False when there is none for this origin."""
        if not self._room(self._held[origin]):
            return False
        self._held[origin] += 1
        self._all += 1
        return True

    def leave(self, origin: str) -> None:
        """Give a place back."""
        self._all -= 1
        self._held[origin] -= 1
        if not self._held[origin]:
            del self._held[origin]

    def _room(self, held: int) -> bool:
        return self._all < self._most and held < self._each


class FairPlaces(Places):
    """Whoever holds more places than are free gets no more.

    One origin alone may hold half of them, n greedy ones 1/(n+1) each, and as much stays free for newcomers: the
    dynamic threshold of shared buffers (Choudhury and Hahne, IEEE/ACM ToN 6(2), 1998) with alpha 1.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most, most)

    def _room(self, held: int) -> bool:
        free = self._most - self._all
        return free > 0 and held <= free
