"""A program to be killed: ingests numbered items into a database and says what was acknowledged.

    python -m tests.server.gateway.ingesting DATABASE_URL STAGE
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.gateway.ingest import Delivery, Ingest, Pace, Parcel
from guru_server.gateway.marks import Source, mark_of
from guru_server.store.database import Database
from guru_server.telemetry.recording import recorders

ITEMS, BATCH = 60, 5
SOURCE = Source("main", "d" * 32, "e" * 32)


async def ingest(url: str, fatal: str) -> None:
    """Send every item from the stored mark on, batches overlapping; die at the third stage `fatal`."""
    left = 3

    def stage(name: str) -> None:
        nonlocal left
        if name == fatal:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    db = Database.open(url)
    mark = await db.read(lambda connection: mark_of(connection, SOURCE))
    print("mark", mark, flush=True)
    queue = Ingest(db, LocalBus(), recorders(wall), now=wall, stage=stage, pace=Pace(every=0.001, most=10))
    running = asyncio.create_task(queue.run())
    for first in range(mark + 1, ITEMS + 1, BATCH - 1):
        items = [
            Parcel(seq, "refused", {"kind": "counted", "reason": "x"})
            for seq in range(first, min(first + BATCH, ITEMS + 1))
        ]
        await queue.put(Delivery(SOURCE, items, 100, lambda seq: print("ack", seq, flush=True)))
        await asyncio.sleep(0.002)
    await queue.drained()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await db.close()


if __name__ == "__main__":
    asyncio.run(ingest(sys.argv[1], sys.argv[2]))
