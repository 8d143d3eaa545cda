"""What the executor replaced, kept for people to look at. Bounded for each path; it is never read back."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

KEEP = 5                                # copies for each path
MAX_NAME = 200                          # bytes
MAX_SIZE = 16 << 20                     # bytes; a larger file is not kept


class Backups:
    """Copies under `folder`, one folder for each path: TIME-DIGEST, readable by root only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, path: str, content: bytes) -> None:
        """Keep one copy; the oldest beyond KEEP go. Raises OSError when the disk has no room."""
        if len(content) > MAX_SIZE:
            return
        place = self._folder / _name(path)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256(content).hexdigest()[:12]
        target = place / f"{time.time_ns():020d}-{digest}"
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        for old in sorted(place.iterdir())[:-KEEP]:
            old.unlink()


def _name(path: str) -> str:
    """The path as one name of at most 200 bytes; a longer one keeps its end, behind a digest of the whole."""
    name = path.strip("/").replace("/", "--").encode(errors="surrogateescape")
    if len(name) <= MAX_NAME:
        return name.decode(errors="surrogateescape")
    head = hashlib.sha256(name).hexdigest()[:12]
    return f"{head}--{name[-(MAX_NAME - 14):].decode(errors='ignore')}"
