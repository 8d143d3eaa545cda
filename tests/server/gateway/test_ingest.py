"""The queue by itself, on each kind of database: what goes wrong in a group loses nothing and refuses no good item."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest
from pydantic import JsonValue
from sqlalchemy import Connection, text

from guru_policy.errors import InputInvalid
from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.gateway.frames import parcels
from guru_server.gateway.ingest import Delivery, Ingest, Pace, Parcel
from guru_server.gateway.items import Kind, Received, Recorder
from guru_server.gateway.marks import SPOOLS_A_DEVICE, Source, hold
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


def counted(recorder: Recorder, calls: list[int]) -> Recorder:
    """The same recorder; every call, so every transaction that has its kind, is noted."""

    def record(connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        calls.append(len(items))
        return recorder(connection, items)

    return record


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("checks", lambda seq: {"results": [
            {"check": f"c{seq}", "at": seq, "since": seq, "verdict": {"state": "ok"}}
        ]}),
        ("checks", lambda seq: {"results": [{"check": "", "at": 0, "since": 0, "verdict": {"state": "ok"}}]}),
        ("layout", lambda seq: {"hash": "0" * 16, "metrics": [f"m{seq}"]}),
        ("layout", lambda seq: {"hash": hash_of((f"m{seq}",)), "metrics": [f"m{seq}"]}),
    ],
    ids=["too many checks", "nameless checks", "layouts that lie", "too many layouts"],
)
async def test_a_device_that_sends_only_bad_items_costs_no_transaction_each(
    db: Database, kind: Kind, body: Callable[[int], JsonValue]
) -> None:
    calls: list[int] = []
    queue = queue_of(db, {kind: counted(recorders(wall)[kind], calls)})
    items = [Parcel(seq, kind, body(seq)) for seq in range(1, 601)]
    await queue.put(Delivery(SOURCE, items, 100, lambda _: None))
    running = asyncio.create_task(queue.run())
    await asyncio.wait_for(queue.drained(), 30)
    running.cancel()

    assert calls == [600]
    ((refused,),) = await rows(db, "SELECT count FROM refused_item")
    assert isinstance(refused, int)
    assert refused >= 100


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("facts", {"at": 1 << 63, "facts": {}}),
        ("facts", {"at": 0, "facts": {f"f{number}": 1 for number in range(513)}}),
        ("refusal", {"at": 0, "code": "G0001", "message": "", "serial": -(1 << 63) - 1}),
    ],
)
def test_what_no_database_holds_is_refused_before_it_reaches_one(kind: str, body: JsonValue) -> None:
    (parcel,) = parcels({"items": [{"seq": 1, "kind": kind, "body": body}]})

    assert parcel.kind == "refused"


async def test_a_clock_that_went_back_forgets_no_spool_that_just_began(db: Database) -> None:
    old = [SOURCE._replace(spool=f"{number:032x}") for number in range(SPOOLS_A_DEVICE)]
    await db.write(lambda connection: hold(connection, old, 2_000_000))

    held = await db.write(lambda connection: hold(connection, [SOURCE], 1_000_000))

    assert held == {SOURCE: 0}
