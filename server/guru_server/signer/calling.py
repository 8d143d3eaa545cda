"""The way to a signer's socket: one connection, one question at a time, made anew when it broke. It reads no answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guru_server.signer import frames
from guru_server.signer.asking import SignerAway
from guru_server.signer.frames import short

TIMEOUT = 10.0                          # seconds of one question
REST = 2.0                              # seconds in which nobody waits for a signer that just did not answer


class Line:
    """A connection to the signer. Threads take turns."""

    def __init__(self, path: Path, timeout: float = TIMEOUT) -> None:
        self._path, self._timeout = path, timeout
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._resting = 0.0

    def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer; SignerAway when there is none."""
        with self._lock:
            if time.monotonic() < self._resting:
                raise self._away("it did not answer a moment ago")
            fresh = self._socket is None
            try:
                return self._once(message)
            except frames.Cut as cut:
                self.close()
                if not fresh and "timed out" not in str(cut):       # the signer was started anew: once more
                    try:
                        return self._once(message)
                    except frames.Cut as again:
                        cut = again
                        self.close()
                self._resting = time.monotonic() + REST
                raise self._away(str(cut)) from cut

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _once(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._socket is None:
            self._socket = dial(self._path, self._timeout)
        frames.send(self._socket, message)
        answer = frames.receive(self._socket)
        if answer is None:
            raise frames.Cut("it hung up")
        return answer

    def _away(self, why: str) -> SignerAway:
        return SignerAway(
            f"the signer does not answer: {why}. Nothing is signed until it does",
            hint="`guru-server serve` starts its own anew; look at the log, or at the signer's own unit",
        )


def dial(path: Path, timeout: float) -> socket.socket:
    """A connection; Cut when nobody listens there."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(timeout)
    try:
        with short(path) as address:
            line.connect(address)
    except OSError as cause:
        line.close()
        raise frames.Cut(f"{path}: {cause.strerror or cause}") from cause
    return line
