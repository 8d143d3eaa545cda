"""A peer that answers a byte at a time holds neither a check nor the link longer than its deadline."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from guru_agent.host.web import get_once
from guru_agent.link.carrier import Server
from guru_agent.link.requests import Line
from guru_agent.tls import pinned
from guru_policy.errors import Unreachable
from tests.agent.link_server import Fleet

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nX-Endless: "
DRIP = 0.1                              # seconds between two bytes


class Dripping:
    """Takes connections, says `first` once the request began, then one byte at a time for ever."""

    def __init__(self, first: bytes, context: ssl.SSLContext | None = None) -> None:
        self._first, self._context = first, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(peer,), daemon=True))
            self._threads[-1].start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            with self._context.wrap_socket(raw, server_side=True) if self._context else raw as peer:
                peer.recv(1)
                peer.sendall(self._first)
                while not self._over.wait(DRIP):
                    peer.sendall(b"x")
        except OSError:
            return


@pytest.fixture
def dripping(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[Dripping]:
    """`first`, and whether it is under TLS."""
    first, secured = request.param
    server = Dripping(first, fleet.certificates.context if secured else None)
    yield server
    server.stop()


@pytest.mark.parametrize(
    "dripping", [(HEAD, False), (CLOSING, False), (ENDLESS, False)], indirect=True, ids=["body", "to the end", "head"]
)
def test_a_page_that_drips_has_not_answered_in_time(dripping: Dripping) -> None:
    began = time.monotonic()

    answer = get_once(f"http://127.0.0.1:{dripping.port}/", 0.5, 1000, verify=True)

    assert answer is None
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "dripping", [(HEAD, True), (CLOSING, True), (ENDLESS, True), (b"\x16\x03\x03\x40\x00", False)],
    indirect=True, ids=["body", "to the end", "head", "handshake"],
)
def test_a_server_that_drips_is_not_reached(dripping: Dripping, fleet: Fleet) -> None:
    line = Line(Server("127.0.0.1", dripping.port, pinned(fleet.certificates.ca)), most=1 << 20)
    began = time.monotonic()

    with pytest.raises(Unreachable):
        line.ask("GET", "/", timeout=0.5)

    assert time.monotonic() - began < 5
