"""Paths that come from elsewhere and are to be written into a folder: which of them may be. It writes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from guru_policy.errors import Refused

MAX_PATH = 4096
MAX_PART = 255                          # bytes
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WINDOWS = re.compile(r'[\\:*?"<>|]')
_GIT = re.compile(r"\.git|git~[0-9]+", re.IGNORECASE)


def may_be_written(path: str) -> bool:
    """Whether the path stays inside its folder, on every system, and outside of Git's own files."""
    parts = path.split("/")
    return (
        0 < len(path) <= MAX_PATH
        and not _ODD.search(path)
        and not (os.sep == "\\" and _WINDOWS.search(path))
        and all(part not in ("", ".", "..") and len(part.encode()) <= MAX_PART for part in parts)
        and not any(_GIT.fullmatch(part.rstrip(". ")) for part in parts)
    )


def refuse_odd_paths(paths: Iterable[str]) -> None:
    """Refused for a path that leaves the folder, that is there twice, or whose folder is a file, too."""
    seen: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        if not may_be_written(path):
            raise Refused(f"{path[:200]!r} is no path that may be written here", hint="nothing was written")
        if path in seen:
            raise Refused(f"{path!r} is there twice", hint="nothing was written")
        seen.add(path)
        while "/" in path:
            path = path.rpartition("/")[0]
            folders.add(path)
    if both := sorted(seen & folders):
        raise Refused(f"{both[0]!r} would be a file and a folder", hint="nothing was written")
