"""A network half that somebody took over: it carries the handshake, and then says what it likes.

Usage: network_half.py SOCKET HOW. Run as a process of its own, as the real one is.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from guru_agent.halves import network
from guru_agent.halves.frames import FAILED, TEXT, Frame
from guru_agent.link.carrier import Carrier
from guru_agent.systemd import Notifier

Said = dict[str, Any]
HOW = sys.argv[2] if len(sys.argv) > 2 else ""
SEEN: list[Said] = []


def forged(said: Said) -> Iterator[Said]:
    """A manifest that names another state, under the signature of the real one."""
    if said["t"] == "desired" and said["manifest"]:
        payload = orjson.loads(said["manifest"]["payload"])
        said["manifest"]["payload"] = orjson.dumps({**payload, "serial": payload["serial"] + 7}).decode()
    yield said


def blob(said: Said) -> Iterator[Said]:
    """A file with another content, as long as the real one."""
    if said["t"] == "chunk":
        data = base64.b64decode(said["data"])
        said["data"] = base64.b64encode(data.replace(b"hello", b"pwned")).decode()
    yield said


def names(said: Said) -> Iterator[Said]:
    """A file whose digest is a path that leads out."""
    if said["t"] == "chunk":
        said["digest"] = "../../../root/pwned"
    yield said


def replayed(said: Said) -> Iterator[Said]:
    """Every order three times, and once more with everything else that comes."""
    if said["t"] == "order":
        SEEN.append(said)
        yield said
        yield said
    yield said
    yield from SEEN


def altered(said: Said) -> Iterator[Said]:
    """An order for another command, under the signature of the real one."""
    if said["t"] == "order":
        said["order"]["payload"] = said["order"]["payload"].replace("innocent", "pwned000")
    yield said


def welcome(said: Said) -> Iterator[Said]:
    """A Welcome from the future, by which every later manifest would be over."""
    if said["t"] == "welcome":
        said["now"] += 10 * 365 * 86_400_000
    yield said


def mark(said: Said) -> Iterator[Said]:
    """A mark by which the device would forget all that it has to say."""
    if said["t"] == "welcome":
        said["mark"] += 1_000_000
    yield said


def rekeyed(said: Said) -> Iterator[Said]:
    """The word that the device has a new key, which nobody asked for."""
    yield said
    if said["t"] == "welcome":
        yield {"t": "rekeyed", "public_key": base64.b64encode(bytes(32)).decode()}


def cancelled(said: Said) -> Iterator[Said]:
    """The end of a job that nobody ended."""
    yield said
    if said["t"] == "order":
        yield {"t": "cancel", "authority": said["authority"], "cancel": said["order"]}


class TakenOver(network._Link):
    """A link that twists what comes down."""

    async def _down(self, carrier: Carrier) -> None:
        while True:
            said = orjson.loads(await carrier.receive())
            for one in globals()[HOW](said):
                await self._channel.send(Frame(TEXT, self.about, orjson.dumps(one)))


def raw(path: str, data: bytes, times: int) -> None:
    """Connect, write the bytes again and again, and wait for the end."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(path)
        try:
            for _ in range(times):
                peer.sendall(data)
            while peer.recv(65_536):
                pass
        except OSError:
            return


HEAD = struct.Struct("!IBI")
RAW = {
    "huge": (HEAD.pack(0xFFFF_FFFF, TEXT, 1) + b"x" * 4096, 64),
    "unknown": (HEAD.pack(4, 0xFF, 1) + b"abcd", 1),
    "flood": (HEAD.pack(2, TEXT, 99) + b"{}", 200_000),
    "escapes": (HEAD.pack(42, FAILED, 1) + orjson.dumps({"kind": "lost", "message": "\x1b[2J\nline"}).ljust(42), 1),
}


def main() -> None:
    path = sys.argv[1]
    if HOW not in RAW:
        network._Link = TakenOver  # type: ignore[misc]  # that is what taking over means
        asyncio.run(network.run_network(Path(path), Notifier("", 0.0)))
    while True:
        try:
            raw(path, *RAW[HOW])
        except OSError:
            pass
        time.sleep(0.05)


if __name__ == "__main__":
    main()
