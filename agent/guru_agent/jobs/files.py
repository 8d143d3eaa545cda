"""Looks at a file or folder as an order asks: where the path really leads is judged here, too. It never writes.

The walk is that of host/rooted.py: nobody but root decides where it leads. What was opened is what is judged, by the
name that the kernel has for it, so that nothing can be swapped in between.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from guru_agent.host.accounts import group_name, user_name
from guru_agent.host.rooted import only_root_writes, parent_of
from guru_agent.jobs.file_parts import part_of, told_of
from guru_agent.jobs.tape import Heard
from guru_policy.errors import CannotLook, InputInvalid, NotFound, Refused
from guru_policy.file_rules import FileRules
from guru_wire.files import MAX_ENTRIES, MAX_READ, FileEntry, FileLook, FilePart

OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
PIECE = 64 << 10                        # bytes read at once
GLANCE = 0.5                            # seconds between looks at a file that is followed
_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


class Grounds(NamedTuple):
    """Where looks happen: the sandbox root, and the agent's own folder, which is nobody's business."""

    root: Path | None
    private: Path | None


async def look_at(look: FileLook, grounds: Grounds, heard: Heard) -> str:
    """Hand what is there to `heard`; how much that was, and its digest, in words for the audit log.

    NotFound, Refused, InputInvalid or CannotLook say why not.
    """
    pieces = _pieces_of(look, grounds)
    size, digest, first = 0, hashlib.sha256(), b""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        if not piece:                   # nothing was added since
            await asyncio.sleep(GLANCE)
            continue
        if not heard("out", piece):
            raise CannotLook("not all of it could be kept: the spool or the disk is full")
        size += len(piece)
        digest.update(piece)
        first = first or piece
    told = f"{size} bytes, sha256 {digest.hexdigest()}"
    return told if look.part is None else f"{told}, {told_of(first)}"


def _pieces_of(look: FileLook, grounds: Grounds) -> Iterator[bytes]:
    if look.op == "list":
        return _list(look, grounds)
    if look.part is not None:
        return _part(look, look.part, grounds)
    return (_follow if look.follow else _read)(look, grounds)


def _part(look: FileLook, part: FilePart, grounds: Grounds) -> Iterator[bytes]:
    descriptor = opened(look, grounds, OPEN)
    try:
        yield from part_of(descriptor, look.path, part)
    finally:
        os.close(descriptor)


def _read(look: FileLook, grounds: Grounds) -> Iterator[bytes]:
    descriptor = opened(look, grounds, OPEN)
    try:
        before = os.fstat(descriptor)
        if stat.S_ISDIR(before.st_mode):
            raise InputInvalid(f"{look.path} is a folder", hint="`guru ls` lists it")
        if not stat.S_ISREG(before.st_mode):
            raise Refused(f"{look.path} is no regular file")
        start = _line_start(descriptor, before.st_size, look.lines) if look.lines else 0
        end = before.st_size
        if end - start > MAX_READ:
            raise InputInvalid(f"{look.path} has {end:,} bytes, and {MAX_READ:,} come at most",
                               hint="copy it: `guru cp`; or ask for its last lines: `guru tail`")
        yield from _pieces(descriptor, start, end)
        after = os.fstat(descriptor)
        if after.st_size < end or (after.st_size == end and after.st_mtime_ns != before.st_mtime_ns):
            raise CannotLook(f"{look.path} changed while it was read")
    finally:
        os.close(descriptor)


def _follow(look: FileLook, grounds: Grounds) -> Iterator[bytes]:
    """The last lines and whatever is added, an empty piece while nothing is. It ends once it brought all it may.

    A file that was cut off begins anew, and so does another one that took its name, as logs are rotated.
    """
    descriptor, at, brought = opened(look, grounds, OPEN), -1, 0
    try:
        while brought < MAX_READ:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Refused(f"{look.path} is no regular file")
            if at < 0:
                at = _line_start(descriptor, found.st_size, look.lines) if look.lines else found.st_size
            at = 0 if found.st_size < at else at
            piece = os.pread(descriptor, min(PIECE, MAX_READ - brought), at)
            at, brought = at + len(piece), brought + len(piece)
            yield piece
            if not piece and (newer := _renewed(look, grounds, found)) is not None:
                os.close(descriptor)
                descriptor, at = newer, 0
    finally:
        os.close(descriptor)


def _renewed(look: FileLook, grounds: Grounds, before: os.stat_result) -> int | None:
    """An open descriptor of the file that has the name now, judged anew; None while it is the same, or none."""
    try:
        descriptor = opened(look, grounds, OPEN)
    except NotFound:
        return None
    if os.path.samestat(os.fstat(descriptor), before):
        os.close(descriptor)
        return None
    return descriptor


def _pieces(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    """The bytes between; of a file that says no size (as under /proc) all, up to the bound."""
    at, last = start, end or MAX_READ
    while at < last:
        piece = os.pread(descriptor, min(PIECE, last - at), at)
        if not piece:
            return
        at += len(piece)
        yield piece


def _line_start(descriptor: int, size: int, lines: int) -> int:
    """Where the last `lines` begin, as far back as a look may go."""
    at, found, first = size, 0, max(0, size - MAX_READ)
    while at > first:
        begin = max(first, at - PIECE)
        block = os.pread(descriptor, at - begin, begin)
        cut = len(block)
        while (cut := block.rfind(b"\n", 0, cut)) >= 0:
            if begin + cut == size - 1:
                continue                # the end of the last line
            found += 1
            if found == lines:
                return begin + cut + 1
        at = begin
    return first


def _list(look: FileLook, grounds: Grounds) -> Iterator[bytes]:
    descriptor = opened(look, grounds, OPEN | os.O_DIRECTORY)
    try:
        with os.scandir(descriptor) as entries:
            names = [entry.name for _, entry in zip(range(MAX_ENTRIES + 1), entries, strict=False)]
        if len(names) > MAX_ENTRIES:
            raise InputInvalid(f"{look.path} holds more than {MAX_ENTRIES:,} names", hint="list a folder below it")
        for name in sorted(names):
            entry = _entry(name, descriptor)
            if entry is not None:
                yield entry.model_dump_json().encode() + b"\n"
    finally:
        os.close(descriptor)


def _entry(name: str, folder: int) -> FileEntry | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        target = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(found.st_mode) else ""
    except OSError:                     # it went away meanwhile
        return None
    return FileEntry.model_validate({
        "name": _text(name), "type": _TYPES.get(stat.S_IFMT(found.st_mode), "other"), "size": found.st_size,
        "mode": f"{stat.S_IMODE(found.st_mode):04o}", "owner": user_name(found.st_uid),
        "group": group_name(found.st_gid), "mtime": found.st_mtime_ns // 1_000_000, "target": _text(target),
    })


def opened(look: FileLook, grounds: Grounds, how: int) -> int:
    """An open descriptor of what the path leads to, once that is judged."""
    path = look.path.rstrip("/") or "/"
    try:
        with parent_of(grounds.root, path) as (folder, name):
            descriptor = os.open(name, how, dir_fd=folder)
            try:
                _judge(look, grounds, descriptor, only_root_writes(folder))
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor
    except FileNotFoundError as cause:
        raise NotFound(f"there is no {look.path}") from cause
    except NotADirectoryError as cause:
        raise InputInvalid(f"{look.path} is no folder, or not below one", hint="`guru cat` reads a file") from cause
    except OSError as cause:
        if cause.errno == errno.ELOOP:
            raise Refused(f"{look.path} is a link, or leads over one that is not root's", hint="name what it leads to"
                          ) from cause
        raise CannotLook(f"{look.path} cannot be opened: {cause.strerror}") from cause


def _judge(look: FileLook, grounds: Grounds, descriptor: int, shut: bool) -> None:
    """Refused when the rules do not allow what was really opened."""
    found = os.fstat(descriptor)
    real = str(Path(f"/proc/self/fd/{descriptor}").readlink())
    if grounds.private is not None and _within(real, str(grounds.private.resolve())):
        raise Refused("the agent's own folder is not shown")
    if grounds.root is not None:
        root = str(grounds.root.resolve())
        if not _within(real, root):
            raise Refused(f"{look.path} leads out of the sandbox")
        real = real[len(root):] or "/"
    if stat.S_ISREG(found.st_mode) and (found.st_nlink == 0 or (found.st_nlink > 1 and not shut)):
        raise Refused(f"{look.path} has other names, and others than root could have given it this one")
    named = real if not stat.S_ISDIR(found.st_mode) or real == "/" else real + "/"
    if not FileRules(look.allow, look.deny).permit(_text(named)):
        raise Refused(f"{look.path} leads to {_text(named)}, which you may not look at" if named != look.path
                      else f"you may not look at {look.path}")


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _text(name: str) -> str:
    """A name that is not UTF-8, in a form that JSON takes."""
    return name.encode(errors="surrogateescape").decode(errors="replace")
