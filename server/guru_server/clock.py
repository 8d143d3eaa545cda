"""The server's clock, handed in by main so that tests can set it; nothing else reads the time of day."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]               # ms UTC


def wall() -> int:
    """Milliseconds UTC by the machine's clock."""
    return time.time_ns() // 1_000_000


class SetClock:
    """A clock that stands still until it is moved. For tests and simulations."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def forward(self, ms: int) -> None:
        """Let `ms` milliseconds pass."""
        self.now += ms
