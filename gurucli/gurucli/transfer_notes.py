"""Which transfer a file is on its way in, kept in the cache so that the same command goes on with it. No content."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path


class Note:
    """One of them, by what it is about: the server, and the digest and size, or the device and path."""

    def __init__(self, cache: Path, *about: str) -> None:
        self._file = cache / "transfers" / hashlib.sha256("\0".join(about).encode()).hexdigest()[:32]

    def read(self) -> str:
        """The id of the transfer; empty when none is kept."""
        try:
            with self._file.open(encoding="ascii") as file:
                found = file.read(64)
        except (OSError, ValueError):
            return ""
        return found if re.fullmatch("[0-9a-f]{32}", found) else ""

    def keep(self, name: str) -> None:
        """Keep it for the next time; a cache that cannot be written to keeps nothing, and all is sent anew then."""
        beside = self._file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_text(name, encoding="ascii")
            beside.replace(self._file)

    def forget(self) -> None:
        """It is done."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
