"""A deadline for the blocking use of a socket: then it is cut, so that a slow drip holds no thread for good.

A socket's own timeout counts from byte to byte. It never closes a socket; whoever opened it does.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AGAIN = 1.0                             # seconds: the socket may only be opened after the deadline


@contextmanager
def cut_after(seconds: float, current: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Within the block, from the deadline on, reading and writing on `current()` fails or ends."""
    over = threading.Event()
    threading.Thread(target=_watch, args=(over, seconds, current), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def cut(connection: socket.socket | None) -> None:
    """Make whatever waits on the socket in another thread fail now."""
    if connection is not None:
        try:
            socket.socket.shutdown(connection, socket.SHUT_RDWR)         # under TLS: no goodbye
        except OSError:
            return                      # it was gone already


def _watch(over: threading.Event, seconds: float, current: Callable[[], socket.socket | None]) -> None:
    while not over.wait(seconds):
        cut(current())
        seconds = AGAIN
