"""Paths walked step by step, so that nobody but root decides where they lead. It opens, never writes.

Each component is opened below the one before (openat(2)) and never through a link by itself. Under a sandbox
root no link is followed at all. On the machine's own paths one is, as /var/run is, when it is root's and nobody
but root can write to any folder on the way to it: below a user's home, no link is, whoever made it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
LINK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
MOST_LINKS = 40                         # as path_resolution(7)


@contextmanager
def parent_of(root: Path | None, path: str) -> Iterator[tuple[int, str]]:
    """An open descriptor of the folder that holds `path`, and the last component.

    Raises OSError: FileNotFoundError when a folder is missing, ELOOP for a link that is not followed, ENOTDIR.
    """
    *folders, name = _parts(path) or ["."]
    descriptor = _walk(root, folders)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


def make_parents(root: Path | None, path: str) -> None:
    """Make the folders above `path`, 0755, by the same walk."""
    os.close(_walk(root, _parts(path)[:-1], make=True))


def only_root_writes(folder: int) -> bool:
    """Whether nobody but root, or whoever runs this, can replace what stands in the open folder."""
    found = os.fstat(folder)
    shut = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or bool(found.st_mode & stat.S_ISVTX)
    return shut and _trusted(found.st_uid)


def _parts(path: str) -> list[str]:
    """The components. openat(2) would walk `..` out of the root like any other name."""
    parts = [part for part in path.split("/") if part]
    if ".." in parts:
        raise OSError(errno.EINVAL, "the path steps upwards")
    return parts


def _walk(root: Path | None, folders: list[str], *, make: bool = False) -> int:
    """An open descriptor of the last folder; every other one is closed again, also after an error."""
    descriptor = os.open(root or "/", FOLDER)
    ahead, links, trusted = list(reversed(folders)), 0, root is None
    while ahead:
        part, above = ahead.pop(), descriptor
        try:
            if make:
                _make(part, above)
            trusted = trusted and only_root_writes(above)
            target = _link(part, above)
            if target is None:
                descriptor = os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=above)
                continue
            links += 1
            if not trusted or links > MOST_LINKS:
                raise OSError(errno.ELOOP, "a symbolic link is not followed")
            descriptor = os.open("/" if target.startswith("/") else ".", FOLDER, dir_fd=above)
            ahead += [step for step in reversed(target.split("/")) if step]
        finally:
            os.close(above)
    return descriptor


def _link(part: str, above: int) -> str | None:
    """Where the component leads when it is a link of root's; None when it is no link."""
    descriptor = os.open(part, LINK, dir_fd=above)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISLNK(found.st_mode):
            return None
        if not _trusted(found.st_uid):
            raise OSError(errno.ELOOP, "a symbolic link of another user is not followed")
        return os.readlink("", dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _trusted(uid: int) -> bool:
    return uid in (0, os.geteuid())


def _make(part: str, above: int) -> None:
    try:
        os.mkdir(part, 0o755, dir_fd=above)
    except FileExistsError:
        pass                            # opening it tells whether it is a folder
