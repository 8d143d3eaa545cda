"""What one link may use, and the bucket that counts it. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass

from guru_wire.link import MAX_FRAME

LEAST = 10_000                          # budgets kept before full ones are looked for


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
    items_burst: int = 60_000           # of one device: a week of heartbeats a minute, with checks and reports
    items_hourly: int = 6_000
    bytes_burst: int = 64 << 20         # of one device, as they came: a week with 256 metrics
    bytes_hourly: int = 4 << 20
    slower: float = 20.0                # for a device that spent them; less than a ping waits
    inflight: int = 4 << 20             # of one link: read, but not stored yet
    outbox: int = 4 << 20               # of one link: answered, but not taken yet
    blob_cache: int = 32 << 20
    poll_wait: float = 25.0
    poll_idle: float = 60.0
    close: float = 3.0                  # for saying goodbye to a peer that may be frozen
    touch: float = 30.0                 # a living link says so to the store this often
    sweep: float = 2.0                  # revocations are looked for this often, whatever the bus tells
    serial_sweep: float = 60.0
    key_age: float = 365 * 86_400.0     # a device whose key is older is told to renew it


class Budget:
    """What one device may have stored: bursts of items and bytes, refilled by the hour.

    One batch may overdraw it, so that a big one never waits for ever; the debt is paid before the next.
    """

    __slots__ = ("_hourly", "_left", "_most", "_then")

    def __init__(self, limits: Limits, now: float) -> None:
        self._most = (limits.items_burst, limits.bytes_burst)
        self._hourly = (limits.items_hourly, limits.bytes_hourly)
        self._left: tuple[float, float] = self._most
        self._then = now

    def spend(self, items: int, size: int) -> None:
        """Count a batch."""
        self._left = self._left[0] - items, self._left[1] - size

    def debt(self, now: float) -> float:
        """Seconds until nothing is owed any more; 0 when a batch may come."""
        hours, self._then = max(0.0, now - self._then) / 3600, now
        self._left = (
            min(self._most[0], self._left[0] + hours * self._hourly[0]),
            min(self._most[1], self._left[1] + hours * self._hourly[1]),
        )
        return max(0.0, *(-left / rate * 3600 for left, rate in zip(self._left, self._hourly, strict=True)))

    def full(self, now: float) -> bool:
        """Whether it is as good as new."""
        return self.debt(now) == 0 and self._left == self._most


class Budgets:
    """Those of the devices that spent lately, whatever links they came by. At most as many as devices spend."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._spent: dict[str, Budget] = {}
        self._look = LEAST

    def of(self, device: str, now: float) -> Budget:
        """The device's budget."""
        found = self._spent.get(device)
        if found is None:
            if len(self._spent) >= self._look:
                self._spent = {name: one for name, one in self._spent.items() if not one.full(now)}
                self._look = max(LEAST, 2 * len(self._spent))
            found = self._spent[device] = Budget(self._limits, now)
        return found


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
