"""A part of an open file, with a head that says of which file: so that a copy goes on later. It never writes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator

from guru_policy.errors import CannotLook, InputInvalid, Refused
from guru_wire.files import MAX_COPY, PART, FilePart, PartHead

PIECE = 64 << 10                        # bytes read at once


def part_of(descriptor: int, path: str, part: FilePart) -> Iterator[bytes]:
    """The head as a line of JSON, then the bytes. The head alone, when it is another file than the part is of.

    Refused, InputInvalid or CannotLook say why not; the last one, too, when the file changes meanwhile.
    """
    found = whole_file(descriptor, path, MAX_COPY)
    stamp = stamp_of(found)
    if part.of not in ("", stamp) or part.start > found.st_size:
        yield _line(PartHead(size=found.st_size, stamp=stamp))
        return
    end = min(part.start + PART, found.st_size)
    whole = _digest(descriptor, found.st_size) if end == found.st_size else ""
    yield _line(PartHead(size=found.st_size, stamp=stamp, sha256=whole))
    yield from _bytes(descriptor, part.start, end)
    if stamp_of(os.fstat(descriptor)) != stamp:
        raise CannotLook(f"{path} changed while it was read")


def whole_file(descriptor: int, path: str, most: int) -> os.stat_result:
    """What was opened, when it is a regular file of up to `most` bytes that says its size; a GuruError says why not."""
    found = os.fstat(descriptor)
    if stat.S_ISDIR(found.st_mode):
        raise InputInvalid(f"{path} is a folder", hint="copy its files one by one")
    if not stat.S_ISREG(found.st_mode):
        raise Refused(f"{path} is no regular file")
    if found.st_size > most:
        raise InputInvalid(f"{path} has {found.st_size:,} bytes, and {most:,} are copied at most")
    if found.st_size == 0 and os.pread(descriptor, 1, 0):
        raise CannotLook(f"{path} does not say its size", hint="`guru cat` brings it")
    return found


def stamp_of(found: os.stat_result) -> str:
    """Another one as soon as the file was written to, or another one has its name."""
    said = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def told_of(first: bytes) -> str:
    """What the audit log says of a part, from its head."""
    head = PartHead.model_validate_json(first)
    whole = f", whole sha256 {head.sha256}" if head.sha256 else ""
    return f"with its head, of {head.size} bytes{whole}"


def _digest(descriptor: int, size: int) -> str:
    digest = hashlib.sha256()
    for piece in _bytes(descriptor, 0, size):
        digest.update(piece)
    return digest.hexdigest()


def _bytes(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    at = start
    while at < end:
        piece = os.pread(descriptor, min(PIECE, end - at), at)
        if not piece:
            return                      # it was cut off; its stamp says so
        at += len(piece)
        yield piece


def _line(head: PartHead) -> bytes:
    return head.model_dump_json().encode() + b"\n"
