"""Chunks of transfers over a link: for the device of an open run, on every carrier, and for nobody else."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from typing import Any

import pytest
from pydantic import JsonValue
from sqlalchemy import Connection, Integer, LargeBinary, String, Table, Text, update
from websockets.exceptions import ConnectionClosed

from guru_server.clock import wall
from guru_server.fleet.tables import device
from guru_server.gateway.limits import Limits
from guru_server.jobs.tables import job, job_run
from guru_server.store.schema import TENANT
from guru_server.transfers import store, using
from guru_server.transfers.store import Bounds
from guru_wire.transfers import Transfer
from tests.server.gateway.conftest import LITTLE, Agent, Frame, Site, flooded, hear, say
from tests.server.gateway.test_polling import Poller, poller

__all__ = ["poller"]

GET, PUT, RUN = "a" * 32, "b" * 32, "1" * 32
DATA = b"content of a file"
TEXT = base64.b64encode(DATA).decode()
BOUNDS = Bounds(1 << 20, 1 << 20)


def row(table: Table, **values: Any) -> Any:
    """A row with something in every column that has to have it."""
    empty = {
        column.name: b"" if isinstance(column.type, LargeBinary) else "" if isinstance(column.type, String | Text)
        else 0 if isinstance(column.type, Integer) else False
        for column in table.columns if not column.nullable
    }
    return table.insert().values(**{**empty, "tenant": TENANT, **values})


async def running(site: Site, agent: Agent, state: str = "running") -> None:
    """A run of the device that names two transfers: one to get, one to fill."""
    def write(connection: Connection) -> None:
        now, digest = wall(), hashlib.sha256(DATA).hexdigest()
        connection.execute(row(job, id=RUN, created_at=now))
        connection.execute(row(job_run, job=RUN, device=agent.id, state=state))
        for name, size in ((GET, len(DATA)), (PUT, None)):
            new = Transfer(id=name, size=size, sha256=digest if size else "", chunks=0, state="filling", expires_at=0)
            store.make(connection, new, "person:ada", BOUNDS, now)
            using.name_it(connection, name, RUN, device="" if size else agent.id, now=now)
        store.append(connection, GET, 0, DATA, BOUNDS, now)
        store.settle(connection, GET, store.Whole(1, len(DATA), digest), digest, now)

    await site.db.write(write)


def asked(kind: str, transfer: str, **more: JsonValue) -> Frame:
    return {"t": kind, "run": RUN, "transfer": transfer, **more}


QUESTIONS: list[Frame] = [
    asked("chunk.get", GET, number=0), asked("chunk.put", PUT, number=0, data=TEXT),
    asked("chunk.end", PUT, size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest()),
]
ANSWERS: list[Frame] = [
    {"t": "chunk.here", "transfer": GET, "number": 0, "data": TEXT},
    {"t": "chunk.got", "transfer": PUT, "chunks": 1, "whole": False},
    {"t": "chunk.got", "transfer": PUT, "chunks": 1, "whole": True},
]


async def test_a_device_gets_and_brings_chunks_over_a_websocket(site: Site) -> None:
    agent = await site.enrol()
    await running(site, agent)
    socket, _ = await site.link(agent)
    told = []
    for question in QUESTIONS:
        await say(socket, question)
        told.append(await hear(socket))
    await socket.close()

    assert told == ANSWERS
    found = await site.db.read(partial(store.find, name=PUT, actor="person:ada"))
    assert (found.state, found.size) == ("whole", len(DATA))


async def test_a_device_gets_and_brings_chunks_over_long_poll(site: Site, poller: Poller) -> None:
    agent = await site.enrol()
    await running(site, agent)
    await poller.shake_hands(agent)
    told: list[Frame] = []
    for number, question in enumerate(QUESTIONS):
        told += await poller.ask(question)
        while len(told) == number:
            told += await poller.ask(wait=20)

    assert told == ANSWERS


@pytest.mark.parametrize("why", ["another device", "over", "held"])
async def test_nobody_else_gets_or_brings_any(site: Site, why: str) -> None:
    agent, other = await site.enrol(), await site.enrol()
    await running(site, agent, "succeeded" if why == "over" else "running")
    asking = other if why == "another device" else agent
    if why == "held":
        change = update(device).where(device.c.id == agent.id).values(held="quarantined")
        await site.db.write(lambda connection: connection.execute(change).rowcount)
    socket, _ = await site.link(asking)
    told = []
    for question in QUESTIONS:
        await say(socket, question)
        told.append(await hear(socket))
    await socket.close()

    assert [(one["t"], one["transfer"]) for one in told] == [("chunk.no", GET), ("chunk.no", PUT), ("chunk.no", PUT)]
    assert (await site.db.read(partial(store.find, name=PUT, actor="person:ada"))).chunks == 0


@pytest.mark.parametrize("frame", [
    {"t": "chunk.get"}, asked("chunk.get", "x", number=0), asked("chunk.get", GET, number=-1),
    asked("chunk.put", PUT, number=0, data="A" * 400_000), asked("chunk.put", PUT, number=0, data=[1]),
    asked("chunk.end", PUT, size=-1, sha256="0" * 64), asked("chunk.none", PUT),
])
async def test_a_question_against_the_rules_ends_the_link(site: Site, frame: Frame) -> None:
    socket, _ = await site.link(await site.enrol())
    await say(socket, frame)
    with pytest.raises(ConnectionClosed) as closed:
        await hear(socket)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4008


class TestFlood:
    @pytest.fixture
    def limits(self) -> Limits:
        return LITTLE

    async def test_questions_that_are_refused_end_the_link_at_last(self, site: Site) -> None:
        socket, _ = await site.link(await site.enrol())

        code, answers = await flooded(socket, QUESTIONS[0])

        assert code == 4008
        assert answers >= 10
