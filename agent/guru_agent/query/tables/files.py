"""Rows of `files`. It looks at names and properties, never into a file."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from guru_agent.query.rows import Row, Wanted, fits

DEEPEST = 40                            # folders
_TYPES = {
    stat.S_IFREG: "regular", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "fifo", stat.S_IFBLK: "block", stat.S_IFCHR: "character",
}


def files(wanted: Wanted) -> Iterator[Row]:
    """What `path` (an equal, a GLOB or a LIKE) or `directory` (an equal) names. Links are not followed.

    In a pattern `*` and `%` stand for any text, slashes too; only folders that can hold a match are opened.
    """
    pattern = wanted.pattern("path")
    folder = wanted.equal("directory")
    if pattern is not None:
        found = paths(pattern, wanted)
    else:
        found = _below(folder, wanted, 1) if isinstance(folder, str) else iter(())
    for path in found:
        yield from _one(path, wanted)


def paths(pattern: str, wanted: Wanted) -> Iterator[str]:
    """The paths that a shell pattern names, as the device names them; one without wildcards names itself."""
    fixed = _before_wildcards(pattern)
    if fixed is None:
        yield pattern.replace("[*]", "*").replace("[?]", "?").replace("[[]", "[")
        return
    yield from (path for path in _below(fixed, wanted, _depth(pattern, fixed)) if fits(pattern, path))


def _before_wildcards(pattern: str) -> str | None:
    """The folder above the first wildcard; None when there is none. `[*]` and its like are plain letters."""
    plain = pattern.replace("[*]", "\0\0\0").replace("[?]", "\0\0\0").replace("[[]", "\0\0\0")
    first = min((plain.find(letter) for letter in "*?[" if letter in plain), default=-1)
    if first < 0:
        return None
    head = pattern[: pattern.rfind("/", 0, first) + 1]
    return head.replace("[*]", "*").replace("[?]", "?").replace("[[]", "[") or "/"


def _depth(pattern: str, fixed: str) -> int:
    """How deep a match can lie: without `*` in the rest, as many folders as it has slashes."""
    rest = pattern[len(fixed):]
    return DEEPEST if "*" in rest else rest.count("/") + 1


def _below(folder: str, wanted: Wanted, deep: int) -> Iterator[str]:
    """Paths below a folder, as the device names them."""
    try:
        with os.scandir(real_path(folder, wanted)) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return
    for entry in found:
        path = str(PurePosixPath(folder) / entry.name)
        yield path
        if deep > 1 and entry.is_dir(follow_symlinks=False):
            yield from _below(path, wanted, deep - 1)


def _one(path: str, wanted: Wanted) -> Iterator[Row]:
    try:
        real = real_path(path, wanted)
        found = os.lstat(real)
        link = str(Path(real).readlink()) if stat.S_ISLNK(found.st_mode) else None
    except (OSError, ValueError):
        return
    name = PurePosixPath(path)
    yield {
        "path": _shown(path), "directory": _shown(str(name.parent)), "filename": _shown(name.name),
        "type": _TYPES.get(stat.S_IFMT(found.st_mode)), "size": found.st_size,
        "mode": f"{stat.S_IMODE(found.st_mode):04o}", "uid": found.st_uid, "gid": found.st_gid,
        "owner": _owner(found.st_uid) if wanted.any_of("owner") else None,
        "mtime": int(found.st_mtime), "ctime": int(found.st_ctime), "atime": int(found.st_atime),
        "inode": found.st_ino, "hard_links": found.st_nlink, "symlink": _shown(link) if link is not None else None,
    }


def real_path(path: str, wanted: Wanted) -> str:
    """Where it is on this machine: `..` does not lead out of the sandbox. ValueError for a path that is none."""
    if "\0" in path:
        raise ValueError(path)
    return wanted.root + os.path.normpath(f"/{path}") if wanted.root else path


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _shown(text: str) -> str:
    """A name that is not UTF-8, in a form that SQLite takes."""
    return text.encode(errors="surrogateescape").decode(errors="replace")
