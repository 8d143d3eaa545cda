"""Frames between the server and its signer: a length and JSON over a local socket, bounded. Standard library only."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MOST = 16 << 20                         # bytes of a frame, either way
LONGEST = 100                           # bytes of a socket's path; the system takes some more than this
_LENGTH = struct.Struct(">I")


class Cut(Exception):
    """The other side hung up, or talks no language of ours."""


def send(line: socket.socket, message: Mapping[str, Any]) -> None:
    """One message; Cut when it cannot be sent."""
    data = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
    if len(data) > MOST:
        raise Cut("a message is too large")
    try:
        line.sendall(_LENGTH.pack(len(data)) + data)
    except OSError as cause:
        raise Cut(str(cause)) from cause


def receive(line: socket.socket) -> dict[str, Any] | None:
    """The next message; None at the end. Cut when it broke off or is none."""
    head = _exactly(line, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MOST:
        raise Cut("a message is too large")
    body = _exactly(line, length)
    if body is None:
        raise Cut("a message broke off")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise Cut("a message is no JSON") from cause
    if not isinstance(message, dict):
        raise Cut("a message is no object")
    return message


@contextmanager
def short(path: Path) -> Iterator[str]:
    """A name for the path that fits into a socket's address."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _exactly(line: socket.socket, length: int) -> bytes | None:
    """So many bytes; None when the other side ended before the first."""
    data = bytearray()
    try:
        while len(data) < length:
            part = line.recv(min(length - len(data), 1 << 20))
            if not part:
                if data:
                    raise Cut("a message broke off")
                return None
            data += part
    except OSError as cause:
        raise Cut(str(cause)) from cause
    return bytes(data)
