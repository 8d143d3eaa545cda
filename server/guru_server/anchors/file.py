"""A file that checkpoints are added to, a line each. It is never read back but for its end, and never shortened."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from guru_server.anchors.growing import refuse_shorter
from guru_wire.audit_chain import Checkpoint, line_of

END = 64 << 10                          # bytes of the end that are looked at


class FileAnchor:
    """One file. Its folder must be there: a medium that is not mounted is told, not written around."""

    name = "file"
    quick = True

    def __init__(self, path: Path) -> None:
        self._path, self.place = path, str(path)

    async def extend(self, new: Sequence[Checkpoint], mark: str) -> str:
        """Add the lines and sync them to the disk."""
        await asyncio.to_thread(self._add, new)
        return ""

    def _add(self, new: Sequence[Checkpoint]) -> None:
        fresh = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - END))
            end = file.read(END) or b""
            refuse_shorter(end.decode(errors="replace").splitlines(), new)
            torn = b"\n" if end and not end.endswith(b"\n") else b""
            file.write(torn + "".join(f"{line_of(one)}\n" for one in new).encode())
            os.fsync(file.fileno())
        if fresh:
            _sync(self._path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
