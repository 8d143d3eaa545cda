"""The files of one revision of a fleet repository, as the language sees them. Reading is the caller's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

MAX_YAML = 1 << 20                      # bytes of one YAML file
MAX_ASSET = 64 << 20                    # bytes of one file carried to devices
MAX_FILES = 200_000


class Entry(NamedTuple):
    """One entry of a tree. `path` may hold anything a Git tree can hold, undecodable bytes as surrogates."""

    path: str
    kind: Literal["file", "link", "submodule"]
    size: int                           # bytes
    blob: str                           # Git's object id of the content: equal ids, equal bytes


class Tree(Protocol):
    """One revision. Implementations: a Git commit (server), a folder (CLI), MemoryTree (tests)."""

    @property
    def revision(self) -> str:
        """The commit, 40 hex digits, or `worktree`."""
        ...

    def entries(self) -> Sequence[Entry]:
        """Every file, link and submodule; a failed read raises, it never returns less."""
        ...

    def read(self, entry: Entry) -> bytes:
        """The content of a file entry."""
        ...


def git_blob_id(data: bytes) -> str:
    """Git's SHA-1 object id of a blob (git-hash-object(1))."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class MemoryTree:
    """A Tree over a dict of path to content."""

    def __init__(self, files: Mapping[str, bytes | str], revision: str = "worktree") -> None:
        self._files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
        self._revision = revision

    @property
    def revision(self) -> str:
        """As given."""
        return self._revision

    def entries(self) -> Sequence[Entry]:
        """The files, sorted by path."""
        return [Entry(p, "file", len(d), git_blob_id(d)) for p, d in sorted(self._files.items())]

    def read(self, entry: Entry) -> bytes:
        """The content."""
        return self._files[entry.path]
