"""Samples growing old in a real database: head, chunks, hours and days; and verdicts that never go back."""

from __future__ import annotations

import math

import pytest
from sqlalchemy import Connection, insert, text

from guru_policy.errors import NotFound
from guru_policy.verdict import State
from guru_server.clock import SetClock
from guru_server.fleet.tables import device
from guru_server.gateway.items import Received
from guru_server.store.database import Database
from guru_server.telemetry.api import router
from guru_server.telemetry.checks import Forgotten, check_counts, check_results, forget_unspoken
from guru_server.telemetry.compaction import age, next_owners
from guru_server.telemetry.layouts import hash_of
from guru_server.telemetry.packing import DAY, HOUR, MINUTE
from guru_server.telemetry.reading import line, newest_metrics
from guru_server.telemetry.recording import recorders
from tests.server.door import admitted

METRICS = ("cpu_percent", "disk_used_bytes:/")
NOW = 1_700_006_400_000                 # the beginning of a day, UTC
LAYOUT = hash_of(METRICS)


async def store(db: Database, clock: SetClock, kind: str, *bodies: object, of: str = "d" * 32) -> set[str]:
    """Record bodies; the devices that the topic `checks` names."""
    items = [Received("main", of, seq, body) for seq, body in enumerate(bodies, 1)]  # type: ignore[arg-type]  # JSON
    recorder = recorders(clock)[kind]
    return set((await db.write(lambda connection: recorder(connection, items))).get("checks", ()))


async def known_layout(db: Database, clock: SetClock) -> None:
    await store(db, clock, "layout", {"hash": LAYOUT, "metrics": list(METRICS)})


async def cpu(db: Database, since: int, until: int, most: int = 100_000) -> list[tuple[int, float]]:
    found = await db.read(
        lambda c: line(c, "main", "d" * 32, "cpu_percent", since=since, until=until, most=most)
    )
    return [tuple(point) for point in found.points]


async def count(db: Database, table: str) -> int:
    def read(connection: Connection) -> int:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    return await db.read(read)


async def grow_old(db: Database, clock: SetClock) -> int:
    """Age every device; how many rows were moved or dropped."""

    def work(connection: Connection) -> int:
        return sum(age(connection, owner, clock.now) for owner in next_owners(connection, None, 100))

    return await db.write(work)


async def test_a_line_reads_the_same_after_compaction_and_late_samples_join(db: Database) -> None:
    clock = SetClock(NOW)
    await known_layout(db, clock)
    clock.now = NOW + 3 * DAY
    minutes = range(0, 1500, 2)
    await store(db, clock, "sample", *[
        [LAYOUT, NOW + n * MINUTE, [float(n % 100) / 4, None if n % 3 else 1e9 + n]] for n in minutes
    ])
    before = await cpu(db, NOW, NOW + 2 * DAY)

    moved = await grow_old(db, clock)
    after = await cpu(db, NOW, NOW + 2 * DAY)
    await store(db, clock, "sample", [LAYOUT, NOW + MINUTE, [77.0, None]], [LAYOUT, NOW, [99.0, None]])
    await grow_old(db, clock)
    joined = await cpu(db, NOW, NOW + 3 * MINUTE)

    assert (moved, len(before)) == (750, 750)
    assert after == before
    assert await count(db, "sample_head") == 0
    assert joined == [(NOW, 0.0), (NOW + MINUTE, 77.0), (NOW + 2 * MINUTE, 0.5)]
    assert (await db.read(lambda c: newest_metrics(c, "main", "d" * 32)))["cpu_percent"] == before[-1][1]


async def test_days_are_summed_up_after_a_month_and_hours_go_after_400_days(db: Database) -> None:
    clock = SetClock(NOW + DAY)
    await known_layout(db, clock)
    bodies = [[LAYOUT, NOW + n * 10 * MINUTE, [float(n), None]] for n in range(144)]
    await store(db, clock, "sample", *bodies)

    clock.now = NOW + 40 * DAY
    await grow_old(db, clock)
    monthly = (await count(db, "sample_chunk"), await count(db, "rollup"), await cpu(db, NOW, NOW + 3 * HOUR))
    again = await grow_old(db, clock)
    clock.now = NOW + 402 * DAY
    await grow_old(db, clock)
    yearly = await count(db, "rollup")
    clock.now = NOW + 2000 * DAY
    await grow_old(db, clock)

    assert monthly == (0, 25, [(NOW, 2.5), (NOW + HOUR, 8.5), (NOW + 2 * HOUR, 14.5)])
    assert (again, yearly, await count(db, "rollup")) == (0, 1, 0)


async def test_many_points_are_thinned_to_means(db: Database) -> None:
    clock = SetClock(NOW + HOUR)
    await known_layout(db, clock)
    await store(db, clock, "sample", *[[LAYOUT, NOW + n * MINUTE, [float(n), None]] for n in range(60)])

    found = await cpu(db, NOW, NOW + HOUR, most=3)

    assert found == [(NOW, 9.5), (NOW + 20 * MINUTE, 29.5), (NOW + 40 * MINUTE, 49.5)]


async def test_a_metric_that_nobody_sent_is_not_found(db: Database) -> None:
    await known_layout(db, SetClock(NOW))

    with pytest.raises(NotFound):
        await db.read(lambda c: line(c, "main", "d" * 32, "cpu", since=0, until=NOW))


def results(state: str, at: int, *, check: str = "disk", value: float | None = 1.0) -> dict[str, object]:
    verdict = {"state": state, "message": "on \x1b[1m/", "value": value, "unit": "%"}
    return {"results": [{"check": check, "at": at, "since": at, "verdict": verdict}]}


async def test_a_late_result_never_replaces_a_newer_one(db: Database) -> None:
    clock = SetClock(NOW)

    first = await store(db, clock, "checks", results("critical", NOW - 10, value=math.inf))
    late = await store(db, clock, "checks", results("ok", NOW - 20))
    same = await store(db, clock, "checks", results("critical", NOW - 5))
    mixed = await store(db, clock, "checks", results("ok", NOW), results("warning", NOW - 1))
    [kept] = await db.read(lambda c: check_results(c, "main", "d" * 32))

    assert (first, late, same, mixed) == ({"d" * 32}, set(), set(), {"d" * 32})
    assert (kept.at, kept.verdict.state, kept.verdict.message) == (NOW, State.ok, "on  [1m/")
    assert await db.read(lambda c: check_counts(c, "main", ["d" * 32])) == {"d" * 32: {"ok": 1}}


async def test_a_result_from_the_future_does_not_silence_the_check(db: Database) -> None:
    clock = SetClock(NOW)
    await store(db, clock, "checks", results("critical", NOW + 10 * DAY))
    clock.forward(MINUTE)

    changed = await store(db, clock, "checks", results("ok", NOW + MINUTE))

    assert changed == {"d" * 32}


async def test_a_check_that_its_device_no_longer_speaks_of_is_forgotten_by_and_by(db: Database) -> None:
    clock = SetClock(NOW)
    await store(db, clock, "checks", results("ok", NOW), results("critical", NOW, check="gone"))
    await store(db, clock, "checks", results("critical", NOW), of="e" * 32)     # offline from now on
    forgotten = []
    for _ in range(3):
        clock.forward(31 * MINUTE)
        await store(db, clock, "checks", results("ok", clock.now))
        forgotten.append(await db.write(forget_unspoken))

    assert forgotten == [[], [], [Forgotten("main", "d" * 32, "gone")]]
    assert await count(db, "check_state") == 2


async def test_the_api_gives_a_line_of_a_device_by_name(db: Database) -> None:
    clock = SetClock(NOW)
    await known_layout(db, clock)
    await store(db, clock, "sample", [LAYOUT, NOW - 5, [12.5, None]])
    row = insert(device).values(
        tenant="main", id="d" * 32, name="web1", customer="acme", site="hq", public_key="", op_labels="{}",
        facts="{}", services="[]", agent_version="", enrolled_by="t", enrolled_at=NOW,
    )
    await db.write(lambda connection: connection.execute(row).rowcount)

    async with admitted(db, router(db, clock)) as client:
        by_name = await client.get("/devices/web1/samples", params={"metric": "cpu_percent"})
        by_path = await client.get("/devices/acme/hq/web1/samples", params={"metric": "cpu_percent"})

    assert by_name.json() == by_path.json()
    assert by_name.json()["points"] == [[NOW - 5, 12.5]]
    assert by_name.json()["unit"] == "%"
