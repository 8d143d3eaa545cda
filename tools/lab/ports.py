"""TCP ports of loopback that stay one process's: a server that was stopped finds its own free again.

The system hands ports of its ephemeral range (Linux: 32768 to 60999) to every connection that goes out, so a
port from there that nobody listens on for a moment, as between two starts of a server, may be gone after it.
"""

from __future__ import annotations

import errno
import random
import socket
import sys

FIRST, LAST = 10_240, 32_767            # below the ephemeral ranges of Linux and macOS, above well-known services

_claims: list[socket.socket] = []       # closed by the system with this process, however it ends


def free_port() -> int:
    """A port that nobody listens on, and that no other process gets from here while this one lives.

    Raises OSError when every port is taken.
    """
    start = random.randrange(FIRST, LAST + 1)
    for port in (*range(start, LAST + 1), *range(FIRST, start)):
        if _is_free(port) and _claim(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no port from {FIRST} to {LAST} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)     # as servers do: TIME_WAIT is no listener
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as refused:
            if refused.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def _claim(port: int) -> bool:
    """Whether the port is now this process's: Linux keeps one socket of a name in its abstract namespace."""
    if sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0guru-lab-port-{port}")
    except OSError as refused:
        claim.close()
        if refused.errno == errno.EADDRINUSE:
            return False
        raise
    _claims.append(claim)
    return True
