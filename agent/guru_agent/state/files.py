"""Small private files of the state folder, written whole or not at all. It touches no other folder."""

from __future__ import annotations

import os
from pathlib import Path

from guru_policy.errors import Conflict, GuruError, NotFound


def make_folder(folder: Path) -> None:
    """The folder, readable by its owner only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as cause:
        hint = "run as root, or choose another --state"
        raise GuruError(f"cannot make the folder {folder}: {cause.strerror}", hint=hint) from cause


def read_private(path: Path, limit: int = 1 << 20) -> bytes | None:
    """The content, at most `limit` bytes; None when there is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise NotFound(
            f"cannot read {path}: {cause.strerror}", hint="run as the user the agent runs as"
        ) from cause
    if len(data) > limit:
        raise GuruError(f"{path} is larger than {limit} bytes")
    return data


def create_private(path: Path, data: bytes) -> None:
    """A new file of mode 0600; Conflict when something has that name already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as cause:
        raise Conflict(f"{path} exists already") from cause
    except OSError as cause:
        raise GuruError(f"cannot write {path}: {cause.strerror}") from cause
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def replace_private(path: Path, data: bytes) -> None:
    """The file of mode 0600 with this content; after a crash it holds the old content or the new."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    create_private(fresh, data)
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a power cut (POSIX systems)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
