"""What one link may use, and the bucket that counts it. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass

from guru_wire.link import MAX_FRAME


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the gateway. Times are seconds, sizes bytes."""

    links: int = 50_000                 # after the handshake
    strangers: int = 2_000              # before it
    handshake: float = 10.0
    refusal: float = 0.25               # every refusal takes this long, whatever its reason
    frame: int = MAX_FRAME
    poll_body: int = MAX_FRAME + (64 << 10)
    messages_burst: int = 1_000         # of one link
    messages_rate: float = 100.0        # a second, of one link
    inflight: int = 4 << 20             # of one link: read, but not stored yet
    outbox: int = 4 << 20               # of one link: answered, but not taken yet
    blob_cache: int = 32 << 20
    poll_wait: float = 25.0
    poll_idle: float = 60.0
    close: float = 3.0                  # for saying goodbye to a peer that may be frozen
    touch: float = 30.0                 # a living link says so to the store this often
    sweep: float = 2.0                  # revocations are looked for this often, whatever the bus tells
    serial_sweep: float = 60.0


class Bucket:
    """A token bucket: `burst` at once, then `rate` a second."""

    __slots__ = ("_burst", "_left", "_rate", "_then")

    def __init__(self, burst: int, rate: float, now: float) -> None:
        self._burst, self._rate = burst, rate
        self._left, self._then = float(burst), now

    def take(self, now: float) -> bool:
        """Take one; False when none is left."""
        self._left = min(self._burst, self._left + (now - self._then) * self._rate)
        self._then = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
