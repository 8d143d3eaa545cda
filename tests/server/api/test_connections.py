"""The way in over real sockets: heads and bodies that do not come, and one address that takes all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from guru_server.api.edge import BodyPace, Edge
from guru_server.connections import ConnectionLimits, bounded
from guru_server.origins import FairPlaces, Places, origin_of

HEAD = 0.3
Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _answer(request: Request) -> Response:
    body = b"" if request.url.path == "/unread" else await request.body()
    if request.url.path == "/slow":
        await asyncio.sleep(HEAD * 3)
    return Response(str(len(body)))


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())


@pytest.fixture
async def port() -> AsyncIterator[int]:
    routes = [Route(path, _answer, methods=["GET", "POST"]) for path in ("/", "/slow", "/unread")]
    app = Edge(Starlette(routes=[*routes, WebSocketRoute("/ws", _echo)]), BodyPace(patience=HEAD, rate=10_000))
    server = uvicorn.Server(uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1,
        http=bounded(ConnectionLimits(head=HEAD, each=3)), ws="websockets-sansio",
    ))
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def dial(port: int, sent: bytes = b"") -> Pipe:
    pipe = await asyncio.open_connection("127.0.0.1", port)
    pipe[1].write(sent)
    return pipe


async def heard(pipe: Pipe) -> bytes:
    """Everything until the server ends the connection; empty when it was cut."""
    try:
        async with asyncio.timeout(20):
            return await pipe[0].read()
    except ConnectionError:
        return b""
    finally:
        pipe[1].close()


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
async def test_a_head_that_does_not_come_ends_the_connection(port: int, start: bytes) -> None:
    assert await heard(await dial(port, start)) == b""


async def test_a_head_sent_byte_by_byte_gains_no_time(port: int) -> None:
    reader, writer = await dial(port)

    async def drip() -> None:
        while not writer.is_closing():
            writer.write(b"G")
            await asyncio.sleep(HEAD / 10)

    dripping = asyncio.create_task(drip())
    said = await heard((reader, writer))
    dripping.cancel()

    assert said == b""


async def test_the_second_head_of_a_connection_is_awaited_no_longer(port: int) -> None:
    pipe = await dial(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await pipe[0].readuntil(b"\r\n\r\n0")
    pipe[1].write(b"GET / HT")

    assert await heard(pipe) == b""


async def test_a_body_that_does_not_come_is_answered_with_408(port: int) -> None:
    said = await heard(await dial(port, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"))

    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not come in time" in said


async def test_a_body_at_a_fair_pace_takes_as_long_as_it_takes(port: int) -> None:
    pipe = await dial(port, b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 60000\r\n\r\n")
    for _ in range(6):
        pipe[1].write(b"x" * 10_000)
        await asyncio.sleep(HEAD / 2)

    assert (await heard(pipe)).endswith(b"60000")


async def test_a_body_that_nobody_reads_is_not_awaited_either(port: int) -> None:
    pipe = await dial(port, b"POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n")
    await pipe[0].readuntil(b"\r\n\r\n0")

    async def drip() -> None:
        while not pipe[1].is_closing():
            pipe[1].write(b"x")
            await asyncio.sleep(HEAD / 10)

    dripping = asyncio.create_task(drip())
    said = await heard(pipe)
    dripping.cancel()

    assert said == b""


async def test_an_answer_that_takes_long_is_waited_for(port: int) -> None:
    said = await heard(await dial(port, b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))

    assert said.startswith(b"HTTP/1.1 200 ")


async def test_one_address_has_only_so_many_connections_and_gets_them_back(port: int) -> None:
    slow = b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    pipes = [await dial(port, slow) for _ in range(4)]
    said = [await heard(pipe) for pipe in pipes]
    after = await heard(await dial(port, slow))

    assert [bool(one) for one in said] == [True, True, True, False]
    assert after.startswith(b"HTTP/1.1 200 ")


async def test_a_websocket_is_neither_counted_nor_timed(port: int) -> None:
    sockets = [await connect(f"ws://127.0.0.1:{port}/ws", proxy=None) for _ in range(5)]
    await asyncio.sleep(HEAD * 1.5)
    for socket in sockets:
        await socket.send("still here")

    assert [await socket.recv() for socket in sockets] == ["still here"] * 5


def test_an_origin_is_an_address_or_an_ipv6_network() -> None:
    hosts = ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "2001:db8::ffff:2", "fe80::1%eth0", "testclient"]

    assert [origin_of(host) for host in hosts] == [
        "192.0.2.7", "192.0.2.7", "2001:db8::/64", "2001:db8::/64", "fe80::/64", "testclient"
    ]


def test_a_place_given_back_is_free_again() -> None:
    places = Places(3, 2)
    taken = [places.take(origin) for origin in ("a", "a", "a", "b", "c")]
    places.leave("a")

    assert taken == [True, True, False, True, False]
    assert places.take("c")


def test_a_greedy_origin_leaves_places_to_others() -> None:
    places = FairPlaces(100)
    greedy = sum(places.take("greedy") for _ in range(1_000))
    others = [places.take(f"other {number}") for number in range(40)]

    assert greedy == 51
    assert all(others)
