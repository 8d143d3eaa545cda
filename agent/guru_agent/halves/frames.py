"""What the two halves say to each other: bounded frames over a socket of this machine. It trusts nobody's length.

A frame is its length (4 bytes), its kind (1), the number of what it is about (4), and a payload: text of the link as it
is, or a small JSON object. The half that decides says DIAL, ASK, LOOK, TEXT and HANG_UP; the half that carries says
OPENED, ANSWER, TEXT and FAILED. It imports no models: the half that carries has none.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from guru_policy.errors import GuruError
from guru_wire.limits import MAX_FRAME

SOCKET = Path("/run/guru-agent/network.sock")
DIAL, ASK, LOOK, TEXT, HANG_UP, OPENED, ANSWER, FAILED = b"DALTHOKF"
MOST_TEXT = 2 * MAX_FRAME               # bytes: what the server says in one frame has that room as well
MOST_SMALL = 64 << 10                   # bytes of any other
MOST_ANSWER = 2 << 20                   # bytes of what the server says of its keys, or of what a look found
SLOW = 30.0                             # seconds that the other half may take to read what it is told
_HEAD = struct.Struct("!IBI")
_CREDENTIALS = struct.Struct("=iII")    # struct ucred of unix(7)
_MOST = {TEXT: MOST_TEXT, ANSWER: MOST_ANSWER}


class Broken(GuruError):
    """The other half said what is no frame, or is gone."""


class Gone(Broken):
    """The other half is not there any more."""


class Frame(NamedTuple):
    """One of them, whole. `about` is the number that the half which decides gave to a connection or a question."""

    kind: int
    about: int
    payload: bytes = b""


class Channel:
    """The socket between the halves, from one end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, known: bytes) -> None:
        """`known` are the kinds that may come."""
        self._reader, self._writer, self._known = reader, writer, known

    def require(self, users: Collection[int]) -> None:
        """Broken when the process at the other end is of another user, says the kernel (SO_PEERCRED of unix(7))."""
        peer: socket.socket = self._writer.get_extra_info("socket")
        _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        if uid not in users:
            raise Broken(f"a process of user {uid} is not the other half")

    async def receive(self) -> Frame:
        """The next frame; Broken for what is none, before any of it is read that is too long, and at the end."""
        try:
            length, kind, about = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            if kind not in self._known:
                raise Broken(f"a frame of an unknown kind ({kind})")
            if length > _MOST.get(kind, MOST_SMALL):
                raise Broken(f"a frame of {length} bytes is too long for its kind")
            return Frame(kind, about, await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError) as cause:
            raise Gone("the other half is gone") from cause

    async def send(self, frame: Frame) -> None:
        """Hand it over; Broken when that is not possible, also since nobody reads."""
        if len(frame.payload) > _MOST.get(frame.kind, MOST_SMALL):
            raise Broken(f"a frame of {len(frame.payload)} bytes is too long for its kind")
        try:
            self._writer.write(_HEAD.pack(len(frame.payload), frame.kind, frame.about) + frame.payload)
            async with asyncio.timeout(SLOW):
                await self._writer.drain()
        except TimeoutError as cause:
            self.cut()
            raise Broken("the other half reads nothing") from cause
        except OSError as cause:
            raise Gone("the other half is gone") from cause

    def cut(self) -> None:
        """End it now."""
        self._writer.transport.abort()
