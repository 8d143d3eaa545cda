"""Heartbeats of 20 metrics into SQLite a second of processor, and the bytes that their samples take at rest."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from sqlalchemy import Connection, create_engine, text

from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.gateway.frames import opened, parcels
from guru_server.gateway.ingest import Delivery, Ingest, Pace
from guru_server.gateway.items import Received
from guru_server.gateway.marks import Source
from guru_server.store.database import Database
from guru_server.tables import metadata
from guru_server.telemetry.compaction import Owner, age
from guru_server.telemetry.packing import DAY, MINUTE
from guru_server.telemetry.recording import SampleRecorder, recorders
from guru_wire.link import MAX_FRAME
from tests.bench.figures import Figure
from tests.bench.fleet_sim.machine import METRICS, Machine, layout
from tests.bench.sizes import Size

DEVICES = 500
RATE, BYTES = 20_000.0, 1.5             # heartbeats a processor second, bytes a sample at rest
WHAT = "heartbeats a second of processor"


def run(size: Size) -> list[Figure]:
    """The store path alone, whole frames of one heartbeat and of twenty, and a day of a few machines packed."""
    with TemporaryDirectory(prefix="guru-bench-") as folder:
        return asyncio.run(_measured(size.heartbeats, Path(folder)))


async def _measured(count: int, folder: Path) -> list[Figure]:
    store = await _fresh(folder / "store.db")
    alone = await _store_path(store, count)
    await store.close()
    rates = {}
    for batch in (1, 20):
        db = await _fresh(folder / f"frames_{batch}.db")
        rates[batch] = await _full_path(db, count // batch * batch, batch)
        await db.close()
    packed = await _fresh(folder / "packed.db")
    at_rest = await _at_rest(packed, max(1, count // 20_000))
    await packed.close()
    return [
        Figure(f"{WHAT}, stored", alone, "/s", RATE, at_least=True),
        Figure(f"{WHAT}, from frames of 20 to the acknowledgement", rates[20], "/s"),
        Figure(f"{WHAT}, from frames of 1 to the acknowledgement", rates[1], "/s"),
        Figure("bytes a sample at rest, after a day", at_rest, "B", BYTES),
    ]


async def _fresh(path: Path) -> Database:
    """A database with every table, which knows the layout."""
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    db = Database.open(f"sqlite:///{path}")
    described = [Received("main", "0" * 32, 1, layout().model_dump(mode="json"))]
    await db.write(lambda connection: SampleRecorder(wall).layouts(connection, described))
    return db


def _samples(count: int) -> list[tuple[str, list[object]]]:
    """Samples in the order of time, as they come from many devices."""
    machines = [Machine(f"sim-{number}", ()) for number in range(DEVICES)]
    ids = [f"{number:032x}" for number in range(DEVICES)]
    begin = wall() - DAY
    pool = [machine.sample(1.0) for machine in machines for _ in range(4)]
    return [
        (ids[n % DEVICES], [layout().hash, begin + n // DEVICES * MINUTE + n % DEVICES, random.choice(pool)])
        for n in range(count)
    ]


async def _store_path(db: Database, count: int) -> float:
    """Heartbeats a processor second through the recorder alone, 1,000 in a transaction."""
    recorder = SampleRecorder(wall)
    samples = [Received("main", of, 1, body) for of, body in _samples(count)]  # type: ignore[arg-type]  # JSON
    started = time.process_time()
    for at in range(0, count, 1000):
        group = samples[at : at + 1000]
        await db.write(lambda connection, group=group: recorder.samples(connection, group))  # type: ignore[misc]  # bound now
    return count / (time.process_time() - started)


async def _full_path(db: Database, count: int, batch: int) -> float:
    """Heartbeats a processor second from the bytes of a frame to the acknowledgement; `batch` in a frame."""
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


async def _at_rest(db: Database, machines: int) -> float:
    """Bytes of a sample once a day of heartbeats, one a minute, went from the head into chunks."""
    recorder, now = SampleRecorder(wall), wall()
    begin = (now - 3 * DAY) // DAY * DAY
    names = layout().hash
    owners = [Owner("main", f"{number:032x}") for number in range(machines)]
    for number, owner in enumerate(owners):
        machine = Machine(f"sim-{number}", ())
        day = [
            Received("main", owner.device, minute, [names, begin + minute * MINUTE, machine.sample(60.0 * minute)])
            for minute in range(DAY // MINUTE)
        ]
        await db.write(lambda connection, day=day: recorder.samples(connection, day))  # type: ignore[misc]  # bound now
        while await db.write(lambda connection, owner=owner: age(connection, owner, now)):  # type: ignore[misc]  # bound now
            pass

    def packed(connection: Connection) -> tuple[int, int]:
        row = connection.execute(text("SELECT sum(length(data)), sum(n) FROM sample_chunk")).one()
        return int(row[0]), int(row[1])

    size, rows = await db.read(packed)
    if rows != machines * DAY // MINUTE:
        raise RuntimeError(f"{rows} heartbeats were packed")
    return size / rows / len(METRICS)
