"""What crosses on its way: cancellations and orders, and what devices say of jobs while others do."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future

import orjson
from sqlalchemy import Connection, text

from guru_server.jobs.changing import Conclusion, conclude
from guru_server.jobs.delivering import Words
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

    def cancel(connection: Connection) -> None:
        connection.execute(jobs.update().where(jobs.c.tenant == TENANT, jobs.c.id == job).values(cancel='{"x":1}'))
        connection.execute(job_run.update().where(job_run.c.tenant == TENANT, job_run.c.job == job).values(ending=True))
        giving.append(asyncio.run_coroutine_threadsafe(office.give(device, again=True), loop))
        until_somebody_waits(connection)

    await office.api.db.write(cancel)
    [words] = [*await asyncio.wrap_future(giving[0]), *await office.give(device)][-1:]

    assert [orjson.loads(frame)["t"] for frame in words.frames] == ["cancel"]
