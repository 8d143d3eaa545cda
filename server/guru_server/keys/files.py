"""Key files: written whole or not at all, for the owner only, and never over one that is there."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from guru_policy.errors import GuruError, InputInvalid, NotFound

MOST = 64 * 1024                        # bytes of any file here


def make_folder(folder: Path) -> None:
    """The folder and those above it, open to the owner only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as cause:
        raise GuruError(
            f"the folder {folder} cannot be made: {cause.strerror}", hint="choose another with --data DIR"
        ) from cause


def write_new(path: Path, data: bytes) -> bool:
    """Write the file unless it is there; False when it was, and it stays as it is."""
    part = _written_beside(path, data)
    try:
        os.link(part, path)             # fails when the name is taken, also in a race with another process
    except FileExistsError:
        return False
    finally:
        part.unlink()
    _sync_folder(path.parent)
    return True


def replace(path: Path, data: bytes, modified: tuple[int, int] | None = None) -> None:
    """Write the file in place of what is there: certificates, and keys that are changed on purpose.

    `modified`: the times that it keeps, as os.utime takes them, in ns.
    """
    part = _written_beside(path, data)
    if modified is not None:
        os.utime(part, ns=modified)
    part.replace(path)
    _sync_folder(path.parent)


def read(path: Path) -> bytes:
    """The file; NotFound when it is not there, InputInvalid when it is no key file."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST + 1)
    except FileNotFoundError as cause:
        raise NotFound(
            f"the key file {path} is missing",
            hint="run `guru-server init`; when this server ran before, bring it back from a backup first",
        ) from cause
    except OSError as cause:
        raise GuruError(
            f"the key file {path} cannot be read: {cause.strerror}", hint="run as its owner"
        ) from cause
    if len(data) > MOST:
        raise InputInvalid(f"{path} is too large for a key file", hint="bring it back from a backup")
    return data


def _written_beside(path: Path, data: bytes) -> Path:
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return part


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
