"""Puts a file where an order says, or removes one. The old file stays until the new one is whole and on the disk.

The walk is that of host/rooted.py, as for looks: no link is followed that others than root made. The folder that was
opened is judged by the name that the kernel has for it, and all that follows happens in that very folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from guru_agent.host.rooted import parent_of
from guru_agent.jobs.files import Grounds
from guru_policy.errors import CannotLook, Conflict, GuruError, InputInvalid, NotFound, Refused, StepFailed
from guru_policy.file_rules import FileRules
from guru_wire.files import MAX_PUT, FileChange

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SPARE = 1 << 20                         # bytes of the disk that a new file leaves free


class Place(NamedTuple):
    """An open folder, the name in it, and what has the name now."""

    folder: int
    name: str
    found: os.stat_result | None


def change(order: FileChange, content: bytes, grounds: Grounds) -> str:
    """Do it; what was done, in words for the audit log. A GuruError says why not, and nothing is changed then."""
    with place_of(order, grounds) as place:
        return _remove(order.path, place) if order.op == "remove" else _put(order, content, place)


@contextlib.contextmanager
def place_of(order: FileChange, grounds: Grounds) -> Iterator[Place]:
    """Where the file is or will be, judged. What goes wrong with files inside is a GuruError, too."""
    if order.path.endswith("/"):
        raise InputInvalid(f"{order.path} is a folder")
    try:
        with parent_of(grounds.root, order.path) as (folder, name):
            _judge(order, grounds, folder, name)
            yield Place(folder, name, _there(folder, name))
    except FileNotFoundError as cause:
        raise NotFound(f"there is no folder for {order.path}") from cause
    except NotADirectoryError as cause:
        raise InputInvalid(f"{order.path} is not below a folder") from cause
    except OSError as cause:
        if cause.errno == errno.ELOOP:
            raise Refused(f"{order.path} leads over a link that is not root's") from cause
        raise StepFailed(f"{order.path} was not changed: {cause.strerror}") from cause


def _judge(order: FileChange, grounds: Grounds, folder: int, name: str) -> None:
    """Refused when the rules do not allow the name in the folder that was really opened."""
    real = str(Path(f"/proc/self/fd/{folder}").readlink())
    if name in (".", "..") or os.fstat(folder).st_nlink == 0:
        raise Refused(f"{order.path} is no name of a file")
    aim = f"{real.rstrip('/')}/{name}"
    if grounds.private is not None and _within(aim, str(grounds.private.resolve())):
        raise Refused("nothing is changed in the agent's own folder")
    if grounds.root is not None:
        root = str(grounds.root.resolve())
        if not _within(real, root):
            raise Refused(f"{order.path} leads out of the sandbox")
        aim = aim[len(root):]
    aim = aim.encode(errors="surrogateescape").decode(errors="replace")
    if not FileRules(order.allow, order.deny).permit(aim):
        raise Refused(f"{order.path} leads to {aim}, which you may not change" if aim != order.path
                      else f"you may not change {order.path}")


def _there(folder: int, name: str) -> os.stat_result | None:
    """What has the name; None when nothing has. Refused when it is no regular file."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise InputInvalid(f"{name} is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise Refused(f"{name} is a link" if stat.S_ISLNK(found.st_mode) else f"{name} is no regular file")
    return found


def _remove(path: str, place: Place) -> str:
    if place.found is None:
        raise NotFound(f"there is no {path}")
    os.unlink(place.name, dir_fd=place.folder)
    os.fsync(place.folder)
    return f"removed, {place.found.st_size} bytes"


def _put(order: FileChange, content: bytes, place: Place) -> str:
    digest = hashlib.sha256(content).hexdigest()
    if len(content) > MAX_PUT or not hmac.compare_digest(digest, order.sha256):
        raise altered()
    may_put(order, place, len(content))
    beside = f".guru-put-{secrets.token_hex(8)}"
    descriptor = os.open(beside, NEW, 0o600, dir_fd=place.folder)
    try:
        try:
            write_all(descriptor, content)
            dress(descriptor, order.mode, place.found)
        finally:
            os.close(descriptor)
        take_name(order, beside, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside, dir_fd=place.folder)
        raise
    return f"{len(content)} bytes, sha256 {digest}"


def may_put(order: FileChange, place: Place, size: int) -> None:
    """Return when a file may be put there, and so many bytes have room; Conflict or CannotLook when not."""
    if place.found is not None and not order.replace:
        raise _taken(order.path)
    space = os.fstatvfs(place.folder)
    if space.f_bavail * space.f_frsize < size + SPARE:
        raise CannotLook(f"there is no room for {size:,} bytes beside {order.path}")


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it where the descriptor is."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest):]


def dress(descriptor: int, mode: str, found: os.stat_result | None) -> None:
    """Give it the owner and mode that it is to have, and have it on the disk; no bits that give a program rights."""
    if found is not None:
        mine = os.fstat(descriptor)
        if (mine.st_uid, mine.st_gid) != (found.st_uid, found.st_gid):
            os.fchown(descriptor, found.st_uid, found.st_gid)
    kept = 0o600 if found is None else found.st_mode & 0o777
    os.fchmod(descriptor, int(mode, 8) if mode else kept)
    os.fsync(descriptor)


def take_name(order: FileChange, beside: str, place: Place) -> None:
    """Give what stands `beside` its name, on the disk; without `replace` a file that was made meanwhile keeps it."""
    if order.replace:
        os.rename(beside, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    else:
        _name(order.path, beside, place.name, place.folder)
    os.fsync(place.folder)


def altered() -> GuruError:
    """What came has another digest than the order."""
    return InputInvalid("what arrived is not what was sent")


def _name(path: str, beside: str, name: str, folder: int) -> None:
    """Give it its name, which a file that was made meanwhile keeps."""
    try:
        os.link(beside, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError as cause:
        raise _taken(path) from cause
    os.unlink(beside, dir_fd=folder)


def _taken(path: str) -> GuruError:
    return Conflict(f"{path} is there already, and stays without --replace")


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
