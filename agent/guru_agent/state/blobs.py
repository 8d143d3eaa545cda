"""Bundles and files by digest, as plain files. Nothing comes out that is not what its name says."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

from guru_agent.state.files import make_folder, sync_folder
from guru_agent.state.store import StoreFull
from guru_policy.errors import NotFound, Untrusted

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 18


class Blobs:
    """A content-addressed folder. `on_loss` is called when a blob turned out torn and was removed."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder
        self._good: set[tuple[str, int, int]] = set()       # digest, mtime, size: verified since the start
        self.on_loss: Callable[[], None] = _nobody

    def path(self, digest: str) -> Path:
        """Where the blob of this digest is, or would be."""
        if not _DIGEST.fullmatch(digest):
            raise Untrusted("a digest is 64 hex digits")
        return self._folder / digest

    def has(self, digest: str) -> bool:
        """Whether the blob is here, whole. A torn one is removed. Reads it once for each time and size."""
        path = self.path(digest)
        try:
            stat = path.stat()
        except OSError:
            return False
        print_ = (digest, stat.st_mtime_ns, stat.st_size)
        if print_ in self._good:
            return True
        if _digest_of_file(path) != digest:
            self._lose(path)
            return False
        self._good.add(print_)
        return True

    def read(self, digest: str) -> bytes:
        """The content, checked against its name on every read; NotFound when absent or torn."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except OSError as cause:
            self.on_loss()
            raise NotFound(f"blob {digest[:12]} is not here yet") from cause
        if hashlib.sha256(data).hexdigest() != digest:
            self._lose(path)
            raise NotFound(f"blob {digest[:12]} was torn on disk; it is fetched again")
        return data

    def received(self, digest: str) -> int:
        """How many bytes of an unfinished download are here."""
        try:
            return self._part(digest).stat().st_size
        except OSError:
            return 0

    def append(self, digest: str, offset: int, data: bytes) -> None:
        """Add a piece to the unfinished download; offset 0 begins it anew. StoreFull when the disk is."""
        part = self._part(digest)
        try:
            with part.open("wb" if offset == 0 else "ab") as file:
                file.write(data)
        except OSError as cause:
            raise StoreFull(f"cannot keep blob {digest[:12]}: {cause.strerror}") from cause

    def finish(self, digest: str) -> None:
        """Take the finished download; Untrusted, and it is gone, when its content has another digest."""
        part = self._part(digest)
        if _digest_of_file(part) != digest:
            part.unlink(missing_ok=True)
            raise Untrusted(f"what came as {digest[:12]} has another digest")
        try:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(self.path(digest))
            sync_folder(self._folder)
        except OSError as cause:
            raise StoreFull(f"cannot keep blob {digest[:12]}: {cause.strerror}") from cause

    def prune(self, keep: Collection[str]) -> None:
        """Remove every other blob and unfinished download."""
        for path in self._folder.iterdir():
            if path.name not in keep:
                path.unlink(missing_ok=True)
        self._good = {entry for entry in self._good if entry[0] in keep}

    def _part(self, digest: str) -> Path:
        return self.path(digest).with_suffix(".part")

    def _lose(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.on_loss()


def _digest_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


def _nobody() -> None:
    """Before a link listens, nobody fetches."""
