"""A file that arrives in parts: kept beside its place until it is whole, and never put there before."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path

from guru_policy.errors import Conflict, Refused

PIECE = 1 << 20
BEGIN = ".guru-copy-"


class Partial:
    """What has arrived of one source, by the name that the source's `key` gives it, and the stamp of that file."""

    def __init__(self, target: Path, key: str) -> None:
        self._target = target
        self._begin = BEGIN + hashlib.sha256(f"{target.name}\0{key}".encode()).hexdigest()[:16] + "-"

    def stamp(self) -> str:
        """Of the file of which something is here already; empty when nothing is."""
        found = sorted(self._target.parent.glob(self._begin + "[0-9a-f]*"))
        stamp = found[0].name.removeprefix(self._begin) if found else ""
        return stamp if len(stamp) == 32 else ""

    def size(self, stamp: str) -> int:
        """How much of it is here. Refused when somebody else could have put it there."""
        try:
            found = self._path(stamp).lstat()
        except FileNotFoundError:
            return 0
        _own(found, self._path(stamp))
        return found.st_size

    def add(self, stamp: str, data: bytes, whole: int) -> None:
        """Append; Refused when the rest would not fit on the disk."""
        path = self._path(stamp)
        free, needed = shutil.disk_usage(path.parent).free, whole - self.size(stamp)
        if free < needed:
            raise Refused(f"{path.parent} has {free:,} bytes free, and {needed:,} are needed", hint="make room")
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, how, 0o600), "ab") as file:
            _own(os.fstat(file.fileno()), path)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def cut(self, stamp: str, size: int) -> None:
        """Let go of what is there beyond `size`."""
        os.truncate(self._path(stamp), size)

    def digest(self, stamp: str) -> str:
        """The SHA-256 of what is here."""
        digest = hashlib.sha256()
        with self._path(stamp).open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
        return digest.hexdigest()

    def place(self, stamp: str, *, replace: bool) -> None:
        """It is whole: give it its name. Conflict without `replace`, when something has got that name meanwhile."""
        if replace:
            self._path(stamp).replace(self._target)
            return
        try:
            os.link(self._path(stamp), self._target, follow_symlinks=False)
        except FileExistsError as cause:
            raise Conflict(f"{self._target} is there already", hint="--replace replaces it") from cause
        self._path(stamp).unlink()

    def forget(self) -> None:
        """Remove what is here of every file that the source once was."""
        for path in self._target.parent.glob(self._begin + "[0-9a-f]*"):
            path.unlink(missing_ok=True)

    def _path(self, stamp: str) -> Path:
        return self._target.parent / (self._begin + stamp)


def _own(found: os.stat_result, path: Path) -> None:
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or not mine:
        raise Refused(f"{path} is no file of yours alone", hint="remove it, or copy into a folder of your own")
