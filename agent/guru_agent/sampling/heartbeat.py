"""The heartbeat: a row of numbers on an interval, their names sent once. It judges nothing."""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from collections.abc import Awaitable, Callable, Mapping

import orjson

from guru_agent.clock import Clock
from guru_agent.state.desired import Desired
from guru_agent.state.spool import LAYOUTS, Spool
from guru_agent.state.store import Store, StoreFull
from guru_wire.uplink import MAX_METRICS, Layout

SHORTEST = 1                            # seconds between two samples at least
MOST_LAYOUTS = 32
Metrics = Mapping[str, float | None]


class Heartbeat:
    """Puts samples into the spool."""

    def __init__(
        self, store: Store, spool: Spool, desired: Desired, clock: Clock,
        read: Callable[[], Awaitable[Metrics]],
    ) -> None:
        self._store, self._spool, self._desired, self._clock, self._read = store, spool, desired, clock, read

    async def run(self) -> None:
        """Beat until cancelled. The first comes at once; later ones are spread a little."""
        while True:
            version = self._desired.version
            await self.beat()
            interval = max(SHORTEST, self._desired.settings.heartbeat)
            pause = interval * random.uniform(0.95, 1.05)        # noqa: S311 - spreads load, keeps no secret
            try:
                async with asyncio.timeout(pause):
                    await self._desired.after(version)
            except TimeoutError:
                continue

    async def beat(self) -> None:
        """One sample."""
        metrics = await self._read()
        names = tuple(sorted(metrics))[:MAX_METRICS]
        layout = layout_hash(names)
        try:
            self._intern(layout, names)
        except StoreFull as full:
            return self._spool.drop(full)
        values = [_number(metrics[name]) for name in names]
        return self._spool.add_sample(orjson.dumps([layout, self._clock.now(), values]))

    def _intern(self, layout: str, names: tuple[str, ...]) -> None:
        """Send the names unless this spool had them already."""
        if layout in self._sent():
            return
        body = Layout(hash=layout, metrics=names).model_dump_json().encode()
        with self._store.transaction():
            self._spool.add_result("layout", body, same=layout, subject=f"layout:{layout}")
            self._store.keep(LAYOUTS, " ".join([self._spool.id, *[*self._sent(), layout][-MOST_LAYOUTS:]]))

    def _sent(self) -> list[str]:
        kept = (self._store.fact(LAYOUTS) or "").split()
        return kept[1:] if kept[:1] == [self._spool.id] else []


def layout_hash(names: tuple[str, ...]) -> str:
    """The name of a list of metric names (guru_wire.uplink.Layout)."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 3)
