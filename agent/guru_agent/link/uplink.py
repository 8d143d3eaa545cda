"""The way up: waiting items in batches, in order. It forgets nothing that is not acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from guru_agent.link.carrier import Carrier, LinkLost
from guru_agent.state.spool import Pending, Spool

MOST_ITEMS = 500
MOST_BYTES = 512 << 10
ACK_TIMEOUT = 30.0                      # seconds until an unacknowledged batch means a dead link


class Uplink:
    """Sends the spool over one connection."""

    def __init__(self, carrier: Carrier, spool: Spool, *, ack_timeout: float = ACK_TIMEOUT) -> None:
        self._carrier, self._spool, self._timeout = carrier, spool, ack_timeout
        self._mark = 0
        self._acknowledged = asyncio.Event()

    def acknowledged(self, mark: int) -> None:
        """The server has everything up to `mark`; what was never sent over this link stays."""
        self._mark = max(self._mark, mark)
        self._acknowledged.set()

    async def run(self) -> None:
        """Send until cancelled; LinkLost when no acknowledgement comes."""
        while True:
            self._spool.arrived.clear()
            batch = self._spool.batch(MOST_ITEMS, MOST_BYTES)
            if not batch:
                await self._spool.arrived.wait()
                continue
            last = batch[-1].seq
            await self._carrier.send(frame(batch))
            await self._wait_for(last)
            self._spool.acknowledge(last)

    async def _wait_for(self, last: int) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                while self._mark < last:
                    self._acknowledged.clear()
                    await self._acknowledged.wait()
        except TimeoutError as cause:
            raise LinkLost(f"no acknowledgement within {self._timeout:g} s: the link is frozen") from cause


def frame(batch: Sequence[Pending]) -> str:
    """The Batch message; bodies are JSON already and go in as they are."""
    items = ",".join(
        f'{{"seq":{item.seq},"kind":"{item.kind}","body":{item.body.decode()}}}' for item in batch
    )
    return f'{{"t":"batch","items":[{items}]}}'
