"""The agent's time: a monotonic one to measure with, and the best known UTC. It sets no clock."""

from __future__ import annotations

import time


class Clock:
    """Measures with a clock that nobody can set; tells UTC as the server told it, once it did.

    After `learn`, a device whose own clock is wrong or jumps still dates its reports right.
    """

    def __init__(self) -> None:
        self._offset: float | None = None

    def monotonic(self) -> float:
        """Seconds that only grow, also while the machine sleeps where the system can tell (Linux)."""
        return time.clock_gettime(_BOOT) if _BOOT is not None else time.monotonic()

    def learn(self, server_now: int) -> None:
        """Take `server_now` (ms UTC, signed by the server) as the time of this moment."""
        self._offset = server_now / 1000 - self.monotonic()

    def now(self) -> int:
        """ms UTC: the server's, else the machine's own."""
        if self._offset is None:
            return int(time.time() * 1000)
        return int((self._offset + self.monotonic()) * 1000)


_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)
