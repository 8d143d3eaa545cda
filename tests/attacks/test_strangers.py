"""Whoever has no token finds out nothing, is led nowhere, and slips no second request into a first one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn

from guru_server.api.edge import Edge
from guru_server.connections import ConnectionLimits, bounded
from tests.conftest import Cluster
from tests.server.conftest import Api
from tests.server.rights.test_routes import PUBLIC, routes

REQUEST = b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\n"
HIDDEN = b"GET /api/v1/devices HTTP/1.1\r\nhost: x\r\n\r\n"
BODY = b"POST /api/v1/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
SMUGGLED = {
    "length and chunks": BODY + b"content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and length": BODY + b"transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": BODY + b"content-length: 0\r\ncontent-length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "lengths in a list": BODY + b"content-length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a signed length": BODY + b"content-length: +0\r\n\r\n" + HIDDEN,
    "a negative length": BODY + b"content-length: -1\r\n\r\n" + HIDDEN,
    "a hex length": BODY + b"content-length: 0x0\r\n\r\n" + HIDDEN,
    "strange chunks": BODY + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks twice": BODY + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks with a tab": BODY + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a space before the colon": BODY + b"content-length : 0\r\n\r\n" + HIDDEN,
    "a folded header":
        BODY + b"transfer-encoding:\r\n chunked\r\ncontent-length: 9\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a NUL": REQUEST + b"x: a\x00b\r\n\r\n" + HIDDEN,
    "a bare CR": REQUEST + b"x: a\rcontent-length: 0\r\n\r\n" + HIDDEN,
    "a chunk of no number": BODY + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
    "a chunk without end": BODY + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n" + HIDDEN,
    "two hosts": b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n" + HIDDEN,
    "no host": b"GET /api/v1/health HTTP/1.1\r\n\r\n" + HIDDEN,
}


@pytest.fixture
def database_url(postgres: Cluster) -> Iterator[str]:
    url = postgres.fresh()
    yield url
    postgres.drop(url)


@pytest.fixture
async def port(api: Api) -> AsyncIterator[int]:
    """The whole application behind the protocol that a server uses, without TLS."""
    server = uvicorn.Server(uvicorn.Config(
        Edge(api.app), host="127.0.0.1", port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1,
        http=bounded(ConnectionLimits(head=1.0)), ws="websockets-sansio", proxy_headers=False, server_header=False,
    ))
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def heard(port: int, said: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    try:
        async with asyncio.timeout(20):
            return await reader.read()      # until the server closes: a head that does not come ends it
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_no_second_request_is_slipped_into_a_first_one(port: int) -> None:
    names = list(SMUGGLED)
    answers = dict(zip(names, await asyncio.gather(*(heard(port, SMUGGLED[name]) for name in names)), strict=True))

    assert {name: text[:400] for name, text in answers.items() if text.count(b"HTTP/1.1 ") > 1} == {}
    assert (await heard(port, REQUEST + b"\r\n" + HIDDEN)).count(b"HTTP/1.1 ") == 2


async def test_a_stranger_cannot_tell_what_is_there_from_what_is_not(api: Api) -> None:
    there = await api.device("pc1")
    api.http.headers.pop("authorization")
    told: dict[str, set[tuple[int, str]]] = {}
    for method, path in sorted(routes(api.app)):        # type: ignore[arg-type]
        if path in PUBLIC or "{" not in path:
            continue
        for word in (there, "f" * 32, "acme/hq/pc1", "acme/hq/pc2", "root", "nobody"):
            answer = await api.http.request(method, path.split("{")[0] + word, json={})
            said = {key: value for key, value in answer.json().items() if key not in ("requestId", "instance")}
            told.setdefault(f"{method} {path}", set()).add((answer.status_code, str(said)))

    assert {route: said for route, said in told.items() if len(said) != 1} == {}
    assert {status for said in told.values() for status, _ in said} == {401}


@pytest.mark.parametrize("path", [
    "/health", "/trust", "/openapi.json", "/docs", "/devices", "/nothing", "//evil.example", "/health/",
    "/%2f%2fevil.example",
    "/health?next=https://evil.example", "/docs/../../evil.example", "/health;@evil.example",
])
async def test_nobody_is_led_elsewhere_and_no_other_site_may_ask(api: Api, path: str) -> None:
    hostile = {"host": "evil.example", "origin": "https://evil.example", "x-forwarded-host": "evil.example",
               "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for method in ("GET", "POST", "OPTIONS", "HEAD", "TRACE"):
        answer = await api.http.request(method, path, headers=hostile)
        headers = {name.lower() for name in answer.headers}

        assert not 300 <= answer.status_code < 400, method
        assert answer.status_code < 500, method
        assert not [name for name in headers if name.startswith(("access-control-", "location"))], method
        assert "evil.example" not in str(answer.headers), method
        assert "evil.example" not in answer.text.replace(path, "").replace(answer.request.url.path, ""), method
