"""Heartbeats of 20 metrics into SQLite per second of CPU: the store path alone, and with frames and marks.

    python -m tests.bench.bench_ingest [--heartbeats 100000]

Prints one line of JSON. Budget: 20,000 a second and core for the store path (DESIGN section 10).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import orjson
from sqlalchemy import create_engine, text

from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.gateway.frames import opened, parcels
from guru_server.gateway.ingest import Delivery, Ingest, Pace
from guru_server.gateway.items import Received
from guru_server.gateway.marks import Source
from guru_server.store.database import Database
from guru_server.tables import metadata
from guru_server.telemetry.recording import SampleRecorder, recorders
from guru_wire.link import MAX_FRAME
from tests.bench.fleet_sim.machine import METRICS, Machine, layout

DEVICES = 500


def _samples(count: int) -> list[tuple[str, list[object]]]:
    """Samples in the order of time, as they come from many devices."""
    machines = [Machine(f"sim-{number}", ()) for number in range(DEVICES)]
    ids = [f"{number:032x}" for number in range(DEVICES)]
    begin = wall() - 86_400_000
    pool = [machine.sample(1.0) for machine in machines for _ in range(4)]
    return [
        (ids[n % DEVICES], [layout().hash, begin + n // DEVICES * 60_000 + n % DEVICES, random.choice(pool)])
        for n in range(count)
    ]


async def _store_path(db: Database, count: int) -> float:
    """Heartbeats a CPU second through the recorder alone, 1,000 in a transaction."""
    recorder = SampleRecorder(wall)
    described = [Received("main", "0" * 32, 1, layout().model_dump(mode="json"))]
    await db.write(lambda connection: recorder.layouts(connection, described))
    samples = [Received("main", of, 1, body) for of, body in _samples(count)]  # type: ignore[arg-type]  # JSON
    started = time.process_time()
    for at in range(0, count, 1000):
        group = samples[at : at + 1000]
        await db.write(lambda connection, group=group: recorder.samples(connection, group))  # type: ignore[misc]  # bound now
    return count / (time.process_time() - started)


async def _full_path(db: Database, count: int, batch: int) -> float:
    """Heartbeats a CPU second from the bytes of a frame to the acknowledgement; `batch` in a frame."""
    ingest = Ingest(db, LocalBus(), recorders(wall), now=wall, pace=Pace(every=0.05))
    frames: list[tuple[Source, bytes]] = []
    by_device: dict[str, list[object]] = {}
    seqs: dict[str, int] = {}
    for of, body in _samples(count):
        seqs[of] = seqs.get(of, 0) + 1
        by_device.setdefault(of, []).append({"seq": seqs[of], "kind": "sample", "body": body})
        if len(by_device[of]) == batch:
            frame = orjson.dumps({"t": "batch", "items": by_device.pop(of)})
            frames.append((Source("main", of, "f" * 32), frame))
    acknowledged = 0

    def stored(_: int) -> None:
        nonlocal acknowledged
        acknowledged += 1

    running = asyncio.create_task(ingest.run())
    started = time.process_time()
    for source, frame in frames:
        items = parcels(opened(frame, MAX_FRAME))
        await ingest.put(Delivery(source, items, len(frame), stored))
    await ingest.drained()
    spent = time.process_time() - started
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    if acknowledged != len(frames):
        raise RuntimeError(f"{acknowledged} of {len(frames)} frames were acknowledged")
    return len(frames) * batch / spent


async def measure(count: int, folder: Path) -> dict[str, float]:
    """The three rates, and bytes a sample in the head; every run has a database of its own."""
    found: dict[str, float] = {}
    for name in ("store_path", "full_path_1", "full_path_20"):
        path = folder / f"{name}.db"
        engine = create_engine(f"sqlite:///{path}")
        metadata.create_all(engine)
        engine.dispose()
        db = Database.open(f"sqlite:///{path}")
        if name == "store_path":
            found[name] = await _store_path(db, count)
        else:
            recorder = SampleRecorder(wall)
            described = [Received("main", "0" * 32, 1, layout().model_dump(mode="json"))]
            await db.write(lambda c, r=recorder, d=described: r.layouts(c, d))  # type: ignore[misc]  # bound now
            found[name] = await _full_path(db, count, int(name.rsplit("_", 1)[1]))
        kept = await db.read(lambda c: c.execute(text("SELECT count(*) FROM sample_head")).scalar_one())
        await db.close()
        found["head_bytes_a_sample"] = path.stat().st_size / kept / len(METRICS)
    return {name: round(value, 2) for name, value in found.items()}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="heartbeats ingested a second of CPU")
    parser.add_argument("--heartbeats", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guru-bench-") as folder:
        found = asyncio.run(measure(given.heartbeats, Path(folder)))
    print(json.dumps({"bench": "ingest", "unit": "heartbeats per CPU second", **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
