"""The queue by itself, on each kind of database: what goes wrong in a group loses nothing and refuses no good item."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import Connection, text

from guru_policy.errors import InputInvalid
from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.gateway.ingest import Delivery, Ingest, Pace, Parcel
from guru_server.gateway.items import Received, Recorder
from guru_server.gateway.marks import Source
from guru_server.store.database import Database
from guru_server.telemetry.layouts import hash_of
from guru_server.telemetry.recording import recorders

SOURCE = Source("main", "d" * 32, "e" * 32)
METRICS = ("cpu_percent", "mem_percent")
LAYOUT = Parcel(1, "layout", {"hash": hash_of(METRICS), "metrics": list(METRICS)})


def sample(seq: int) -> Parcel:
    return Parcel(seq, "sample", [hash_of(METRICS), wall() + seq, [1.0, 2.0]])


class Failing:
    """A recorder that raises what it is told to, as often as it is told, and then counts."""

    def __init__(self, *causes: Exception) -> None:
        self.causes, self.stored = list(causes), list[int]()

    def __call__(self, connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        if self.causes:
            raise self.causes.pop(0)
        self.stored += [item.seq for item in items]
        return {}


def queue_of(db: Database, extra: Mapping[str, Recorder]) -> Ingest:
    return Ingest(db, LocalBus(), {**recorders(wall), **extra}, now=wall, pace=Pace(every=0.001))


async def rows(db: Database, query: str) -> list[tuple[object, ...]]:
    return await db.read(lambda connection: [tuple(row) for row in connection.execute(text(query))])


async def test_a_layout_is_stored_although_another_item_of_its_group_was_refused(db: Database) -> None:
    queue = queue_of(db, {"facts": Failing(InputInvalid("too many"))})
    items = [LAYOUT, sample(2), Parcel(3, "facts", {}), sample(4)]
    await queue.put(Delivery(SOURCE, items, 100, lambda _: None))
    running = asyncio.create_task(queue.run())
    await queue.drained()
    running.cancel()

    assert await rows(db, "SELECT metrics FROM layout") == [("\n".join(METRICS),)]
    assert await rows(db, "SELECT count(*) FROM sample_head") == [(2,)]


async def test_what_was_being_stored_when_the_job_failed_is_stored_by_the_next(db: Database) -> None:
    acks: list[int] = []
    facts = Failing(RuntimeError("a fault of ours"))
    queue = queue_of(db, {"facts": facts})
    await queue.put(Delivery(SOURCE, [Parcel(1, "facts", {})], 100, acks.append))
    with pytest.raises(RuntimeError):
        await queue.run()
    await queue.put(Delivery(SOURCE, [Parcel(2, "facts", {})], 100, acks.append))
    running = asyncio.create_task(queue.run())
    await asyncio.wait_for(queue.drained(), 10)
    running.cancel()

    assert facts.stored == [1, 2]
    assert acks == [2, 2]


@pytest.mark.parametrize("state", ["lock_not_available", "read_only_sql_transaction", "undefined_table"])
async def test_an_item_is_not_refused_for_what_ails_the_database(postgres_db: Database, state: str) -> None:
    sick = (
        "CREATE FUNCTION sick() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'sick' USING ERRCODE = '{state}'; END $$;"
        " CREATE TRIGGER sick BEFORE INSERT ON sample_head EXECUTE FUNCTION sick()"
    )
    await postgres_db.write(lambda connection: connection.execute(text(sick)).close())
    queue = queue_of(postgres_db, {})
    await queue.put(Delivery(SOURCE, [LAYOUT, sample(2)], 100, lambda _: None))
    running = asyncio.create_task(queue.run())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.drained(), 0.5)
    heal = text("DROP TRIGGER sick ON sample_head")
    await postgres_db.write(lambda connection: connection.execute(heal).close())
    await asyncio.wait_for(queue.drained(), 10)
    running.cancel()

    assert await rows(postgres_db, "SELECT count(*) FROM sample_head") == [(1,)]
    assert await rows(postgres_db, "SELECT count(*) FROM refused_item") == [(0,)]
