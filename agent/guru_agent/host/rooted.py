"""Paths under a sandbox root, walked step by step so that no link leads out of it. It opens, never writes.

Without a root the path is the machine's own. With one, each component is opened with O_NOFOLLOW below the
one before (openat(2)), so a symbolic link on the way is refused and not followed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def parent_of(root: Path | None, path: str, below: str | None = None) -> Iterator[tuple[int, str]]:
    """An open descriptor of the folder that holds `path`, and the last component.

    Without a root, links are followed down to the folder `below` and not further; without that, all the way.
    Raises OSError: FileNotFoundError when a folder is missing, ELOOP or ENOTDIR for a link under a root.
    """
    _refuse_upwards(path)
    if root is None and below is None:
        folder, name = os.path.split(path)
        descriptor = os.open(folder or "/", FOLDER)
    else:
        start, rest = _start(root, path, below)
        *folders, name = [part for part in rest.split("/") if part] or ["."]
        descriptor = _walk(start, folders)
    try:
        yield descriptor, name or "."
    finally:
        os.close(descriptor)


def make_parents(root: Path | None, path: str, below: str | None = None) -> None:
    """Make the folders above `path`, 0755, without leaving the root or what is `below`."""
    _refuse_upwards(path)
    if root is None and below is None:
        Path(path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    else:
        start, rest = _start(root, path, below)
        os.close(_walk(start, [part for part in rest.split("/") if part][:-1], make=True))


def _start(root: Path | None, path: str, below: str | None) -> tuple[Path, str]:
    """Where the walk begins, and what is left to walk."""
    if root is not None:
        return root, path
    folder = (below or "/").rstrip("/") + "/"
    if not path.startswith(folder):
        raise OSError(errno.EINVAL, "the path is not below the folder that it should be below")
    return Path(folder), path.removeprefix(folder)


def _walk(root: Path, folders: list[str], *, make: bool = False) -> int:
    """An open descriptor of the last folder; every other one is closed again, also after an error."""
    descriptor = os.open(root, FOLDER)
    for part in folders:
        above = descriptor
        try:
            if make:
                _make(part, above)
            descriptor = os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
    return descriptor


def _refuse_upwards(path: str) -> None:
    """openat(2) walks `..` out of the root like any other name."""
    if ".." in path.split("/"):
        raise OSError(errno.EINVAL, "the path steps upwards")


def _make(part: str, above: int) -> None:
    try:
        os.mkdir(part, 0o755, dir_fd=above)
    except FileExistsError:
        pass                            # opening it tells whether it is a folder
