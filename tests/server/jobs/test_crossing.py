"""What crosses on its way: cancellations and orders, and what devices say of jobs while others do."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future

import orjson
import pytest
from sqlalchemy import Connection, text

from guru_server.jobs import recording
from guru_server.jobs.changing import Conclusion, conclude
from guru_server.jobs.delivering import Words
from guru_server.jobs.signing import Signer, newest_authority
from guru_server.jobs.tables import job as jobs
from guru_server.jobs.tables import job_run
from guru_server.store.schema import TENANT
from tests.server.jobs.conftest import Office, frames

WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def until_somebody_waits(connection: Connection) -> None:
    """Return when another transaction waits for a row of this one; at once where writers take turns."""
    ends = time.monotonic() + 60
    while connection.dialect.name == "postgresql" and not connection.execute(WAITS).scalar():
        assert time.monotonic() < ends
        time.sleep(0.01)


async def test_an_order_that_is_cancelled_while_it_is_handed_over_is_not_handed_over(office: Office) -> None:
    [device] = await office.devices("web1")
    job, now, loop = (await office.order(device="web1"))["id"], office.api.clock(), asyncio.get_running_loop()
    giving: list[Future[list[Words]]] = []

    def cancel(connection: Connection) -> None:
        conclude(connection, job, [Conclusion(device, "queued", "cancelled", "by ada")], now)
        giving.append(asyncio.run_coroutine_threadsafe(office.give(device), loop))
        until_somebody_waits(connection)

    await office.api.db.write(cancel)
    given = await asyncio.wrap_future(giving[0])

    assert frames(given) == []
    assert await office.states(job) == {"web1": "cancelled"}


async def test_an_order_that_is_cancelled_while_it_is_told_again_is_not_told_again(office: Office) -> None:
    [device] = await office.devices("web1")
    job, loop = (await office.order(device="web1"))["id"], asyncio.get_running_loop()
    await office.give(device)
    giving: list[Future[list[Words]]] = []

    signed = office.keys.signer.cancel(TENANT, job, office.api.clock()).model_dump_json()

    def cancel(connection: Connection) -> None:
        connection.execute(jobs.update().where(jobs.c.tenant == TENANT, jobs.c.id == job).values(cancel=signed))
        connection.execute(job_run.update().where(job_run.c.tenant == TENANT, job_run.c.job == job).values(ending=True))
        giving.append(asyncio.run_coroutine_threadsafe(office.give(device, again=True), loop))
        until_somebody_waits(connection)

    await office.api.db.write(cancel)
    [words] = [*await asyncio.wrap_future(giving[0]), *await office.give(device)][-1:]

    assert [orjson.loads(frame)["t"] for frame in words.frames] == ["cancel"]


async def test_a_device_that_floods_a_job_takes_no_room_from_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_KEPT", 1_000)
    loud, quiet = await office.devices("loud", "quiet")
    job = (await office.order(selector="customer=acme", output=100))["id"]
    await office.give(loud, quiet)
    for at in range(50):
        await office.print(loud, job, "out", (at, b"x" * 50), (200, b"beyond" * 100))
    await office.print(quiet, job, "out", (3, b"lo"))
    await office.print(quiet, job, "out", (0, b"hel"), (2, b"overlaps"), (0, b"hel"))

    assert (await office.get(f"/jobs/{job}/output/loud"))["stdout"] == "x" * 50
    assert (await office.get(f"/jobs/{job}/output/quiet"))["stdout"] == "hello"


async def test_an_end_that_is_told_several_times_at_once_is_noted_once(office: Office) -> None:
    [device] = await office.devices("web1")
    job = (await office.order(device="web1"))["id"]
    await office.give(device)
    await office.say_all(device, {"job": job, "state": "failed", "exit_code": 4}, {"job": job, "state": "succeeded"},
                         {"job": job, "state": "running"}, {"job": job, "state": "succeeded"})
    told = [row for row in (await office.get("/audit?limit=100"))["items"] if row["action"] == "JobRunEnded"]

    assert await office.states(job) == {"web1": "failed"}
    assert ["failed, exit code 4" in row["result"] for row in told] == [True]


async def test_the_word_for_the_command_key_may_be_made_by_two_at_once(office: Office) -> None:
    signer, now, loop = Signer(office.keys.signer), office.api.clock(), asyncio.get_running_loop()
    others: list[Future[None]] = []

    async def other() -> None:
        await office.api.db.write(lambda connection: signer.keep_authority(connection, TENANT, now))

    def first(connection: Connection) -> None:
        signer.keep_authority(connection, TENANT, now)
        others.append(asyncio.run_coroutine_threadsafe(other(), loop))
        until_somebody_waits(connection)

    await office.api.db.write(first)
    await asyncio.wrap_future(others[0])
    kept = await office.api.db.read(newest_authority)

    assert kept is not None
