"""A real server that is asked to end while links are in the middle of theirs."""

from __future__ import annotations

import base64
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tools.lab.world import World

pytestmark = pytest.mark.fault

CLOSE = b"\x88\x82" + bytes(4) + b"\x03\xe8"       # RFC 6455, 5.5.1: code 1000, masked with zeros


@contextmanager
def half_closed(world: World) -> Iterator[ssl.SSLSocket]:
    """A WebSocket whose peer said goodbye and then does nothing more."""
    with socket.create_connection(("127.0.0.1", world.port), 20) as plain:
        context = world.trust()
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as made:
            key = base64.b64encode(os.urandom(16)).decode()
            made.sendall(
                f"GET /link HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
            )
            heard = b""
            while b"challenge" not in heard:
                heard += made.recv(4096)
            made.sendall(CLOSE)
            while b"\x88" not in heard.partition(b"challenge")[2]:
                heard += made.recv(4096)
            yield made


def test_it_ends_well_while_a_peer_is_saying_goodbye(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World(tmp_path_factory.mktemp("stopped"), settings={"GURU_SERVER_GIT__POLL": "3600"})
    world.remote.bare.mkdir(parents=True)
    world.prepare()
    world.start_server()
    try:
        with half_closed(world):
            world.server.stop()
    finally:
        world.stop()

    assert "Traceback" not in world.server.output()
    assert world.server.exit_code == 0
