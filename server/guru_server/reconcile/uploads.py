"""A tree that somebody wants planned: paths and blob ids, read from upload or mirror. Never stored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from guru_policy.errors import InputInvalid
from guru_policy.tree import MAX_FILES, Entry, git_blob_id
from guru_server.gitops.tree import GitTree

MAX_UPLOAD = 64 << 20                   # bytes of all blobs of one request
MAX_PATH = 4096


class UploadedTree:
    """A Tree over `files` (path to blob id); `mirrored` are sizes of blobs that `mirror` can read."""

    def __init__(
        self,
        files: Mapping[str, str],
        blobs: Mapping[str, bytes],
        mirrored: Mapping[str, int],
        mirror: GitTree,
    ) -> None:
        self._blobs, self._mirror = blobs, mirror
        sizes = {**mirrored, **{name: len(data) for name, data in blobs.items()}}
        self._entries = [Entry(path, "file", sizes[blob], blob) for path, blob in sorted(files.items())]

    @property
    def revision(self) -> str:
        """Not a commit."""
        return "worktree"

    def entries(self) -> Sequence[Entry]:
        """The files, sorted by path."""
        return self._entries

    def read(self, entry: Entry) -> bytes:
        """The content."""
        data = self._blobs.get(entry.blob)
        return data if data is not None else self._mirror.read(entry)


def checked_files(files: Mapping[str, str]) -> Mapping[str, str]:
    """The files; InputInvalid for too many or for a path that no tree can hold."""
    if len(files) > MAX_FILES:
        raise InputInvalid(f"a plan takes {MAX_FILES} files at most")
    for path in files:
        parts = path.split("/")
        if not path or len(path) > MAX_PATH or "\0" in path or {"", ".", ".."} & set(parts):
            raise InputInvalid("a plan names a path that no repository can hold")
    return files


def checked_blobs(blobs: Mapping[str, str]) -> dict[str, bytes]:
    """The content by blob id, from base64; InputInvalid when an id is not that of its content."""
    found: dict[str, bytes] = {}
    room = MAX_UPLOAD
    for name, text in blobs.items():
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as cause:
            raise InputInvalid("a blob of the plan is not base64") from cause
        room -= len(data)
        if room < 0:
            raise InputInvalid(f"the blobs of a plan hold {MAX_UPLOAD} bytes at most")
        if git_blob_id(data) != name:
            raise InputInvalid("a blob of the plan is not what its id says")
        found[name] = data
    return found
