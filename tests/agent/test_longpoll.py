"""Long-poll carries the whole link where no WebSocket gets through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from guru_policy.bundle import PlacedResource, digest_of
from guru_wire.link import Current
from tests.agent.conftest import Parts, enrolled
from tests.agent.link_server import Fleet, until
from tests.agent.poll_server import PollServer

BIG = b"guru" * 100_000


@pytest.fixture
def polled(fleet: Fleet) -> Iterator[PollServer]:
    server = PollServer(fleet)
    yield server
    server.stop()


@pytest.fixture
def parts(tmp_path: Path, fleet: Fleet, polled: PollServer) -> Iterator[Parts]:
    enrolled(tmp_path / "state", fleet, polled.url)
    parts = Parts(tmp_path / "state")
    yield parts
    parts.store.close()


def a_file() -> PlacedResource:
    return PlacedResource(id="motd", kind="file", spec={"path": "/etc/motd", "content": "hello\n"})


async def test_it_takes_over_after_two_refused_upgrades(parts: Parts, fleet: Fleet, polled: PollServer) -> None:
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    async with parts.linked():
        await until(lambda: parts.spool.depth.items == 0)

    paths = [path for path, _ in polled.requests]
    assert paths[:3] == ["/link", "/link", "/link/poll"]
    assert len(fleet.of("sample")) == 1
    assert parts.link.count(("up", "long-poll")) == 1


async def test_states_come_down_while_a_poll_waits(parts: Parts, fleet: Fleet, polled: PollServer) -> None:
    async with parts.linked():
        await until(lambda: ("up", "long-poll") in parts.link)
        fleet.publish(fleet.bundle(a_file()), BIG)
        polled.push(Current(serial=1).model_dump_json())
        await until(lambda: parts.desired.serial == 1)

    assert parts.blobs.read(digest_of(BIG)) == BIG


async def test_a_forgotten_session_begins_with_a_new_handshake(
    parts: Parts, fleet: Fleet, polled: PollServer
) -> None:
    async with parts.linked():
        await until(lambda: ("up", "long-poll") in parts.link)
        polled.forget()
        parts.spool.add_sample(b'["abc",1,[1.0]]')
        await until(lambda: parts.spool.depth.items == 0)

    assert len(fleet.hellos) == 2
    assert len(fleet.of("sample")) == 1


async def test_a_websocket_is_tried_again_after_a_while(parts: Parts, fleet: Fleet, polled: PollServer) -> None:
    async with parts.linked(websocket_again=0.2):
        await until(lambda: [path for path, _ in polled.requests].count("/link") > 3)

    assert parts.link.count(("up", "long-poll")) >= 2


async def test_a_waiting_poll_does_not_hold_up_the_end(parts: Parts, polled: PollServer) -> None:
    async with asyncio.timeout(20), parts.linked():         # the server would hold it for 25 s
        await until(lambda: ("up", "long-poll") in parts.link)
        await until(lambda: sum(path == "/link/poll" for path, _ in polled.requests) >= 3)

    assert parts.link[-1] == ("down", "")


async def test_messages_sent_at_the_same_time_do_not_meet(parts: Parts, fleet: Fleet, polled: PollServer) -> None:
    fleet.publish(fleet.bundle(a_file()), BIG)
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1 and parts.spool.depth.items == 0)

    assert parts.link.count(("up", "long-poll")) == 1
