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
from pathlib import Path

from guru_agent.host.rooted import parent_of
from guru_agent.jobs.files import Grounds
from guru_policy.errors import CannotLook, Conflict, GuruError, InputInvalid, NotFound, Refused, StepFailed
from guru_policy.file_rules import FileRules
from guru_wire.files import MAX_PUT, FileChange

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SPARE = 1 << 20                         # bytes of the disk that a new file leaves free


def change(order: FileChange, content: bytes, grounds: Grounds) -> str:
    """Do it; what was done, in words for the audit log. A GuruError says why not, and nothing is changed then."""
    if order.path.endswith("/"):
        raise InputInvalid(f"{order.path} is a folder")
    try:
        with parent_of(grounds.root, order.path) as (folder, name):
            _judge(order, grounds, folder, name)
            found = _there(folder, name)
            if order.op == "remove":
                return _remove(order.path, folder, name, found)
            return _put(order, content, folder, name, found)
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


def _remove(path: str, folder: int, name: str, found: os.stat_result | None) -> str:
    if found is None:
        raise NotFound(f"there is no {path}")
    os.unlink(name, dir_fd=folder)
    os.fsync(folder)
    return f"removed, {found.st_size} bytes"


def _put(order: FileChange, content: bytes, folder: int, name: str, found: os.stat_result | None) -> str:
    digest = hashlib.sha256(content).hexdigest()
    if len(content) > MAX_PUT or not hmac.compare_digest(digest, order.sha256):
        raise InputInvalid("what arrived is not what was sent")
    if found is not None and not order.replace:
        raise _taken(order.path)
    space = os.fstatvfs(folder)
    if space.f_bavail * space.f_frsize < len(content) + SPARE:
        raise CannotLook(f"there is no room for {len(content):,} bytes beside {order.path}")
    beside = f".guru-put-{secrets.token_hex(8)}"
    descriptor = os.open(beside, NEW, 0o600, dir_fd=folder)
    try:
        try:
            _fill(descriptor, content, order.mode, found)
        finally:
            os.close(descriptor)
        if order.replace:
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            _name(order.path, beside, name, folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside, dir_fd=folder)
        raise
    os.fsync(folder)
    return f"{len(content)} bytes, sha256 {digest}"


def _fill(descriptor: int, content: bytes, mode: str, found: os.stat_result | None) -> None:
    """Write all of it, give it owner and mode, and have it on the disk. Bits that give rights to a program are lost."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest):]
    if found is not None:
        mine = os.fstat(descriptor)
        if (mine.st_uid, mine.st_gid) != (found.st_uid, found.st_gid):
            os.fchown(descriptor, found.st_uid, found.st_gid)
    kept = 0o600 if found is None else found.st_mode & 0o777
    os.fchmod(descriptor, int(mode, 8) if mode else kept)
    os.fsync(descriptor)


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
