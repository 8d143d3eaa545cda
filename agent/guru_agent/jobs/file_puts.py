"""Puts a file of any size, chunk by chunk, beside where it will be; it takes the name once all of it is on the disk.

What is there already stays over a cut link and the agent's end, and is gone on with. Every step walks to the place and
judges it anew, and keeps nothing open: nothing can be swapped in meanwhile, and no thread outlives its descriptor.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import stat
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from guru_agent.jobs.file_changes import Place, altered, dress, may_put, place_of, take_name, write_all
from guru_agent.jobs.file_parts import stamp_of
from guru_agent.jobs.files import PIECE, Grounds
from guru_policy.errors import GuruError, InputInvalid, StepFailed
from guru_wire.chunks import CHUNK, ChunkGet, ChunkHere, Question, Reply, chunks_of
from guru_wire.files import FileChange

Ask = Callable[[Question], Awaitable[Reply]]
OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


async def put(order: FileChange, run: str, grounds: Grounds, ask: Ask) -> str:
    """Do it; what was done, in words for the audit log. A GuruError says why not, and the old file is there then."""
    begun = await asyncio.to_thread(_begin, order, grounds)
    while True:
        for number in range(begun, chunks_of(order.size)):
            reply = await ask(ChunkGet(run=run, transfer=order.transfer, number=number))
            await asyncio.to_thread(_write, order, grounds, number, _data(order, number, reply))
        stamp = await asyncio.to_thread(_verified, order, grounds)
        if stamp is not None:
            return await _unstopped(asyncio.to_thread(_finish, order, grounds, stamp))
        if begun == 0:
            raise altered()
        begun = await asyncio.to_thread(_begin, order, grounds, anew=True)     # what was kept is no beginning of it


async def _unstopped(work: Coroutine[Any, Any, str]) -> str:
    """Its end, also when it is cancelled meanwhile: a thread is not stopped, and gives the file its name, or does not.
    """
    ending = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(ending)
    except asyncio.CancelledError:
        return await ending


def drop(order: FileChange, grounds: Grounds) -> None:
    """Remove what is there of a file that will not be put."""
    with contextlib.suppress(GuruError), place_of(order, grounds) as place:
        os.unlink(_beside(order), dir_fd=place.folder)


def _begin(order: FileChange, grounds: Grounds, *, anew: bool = False) -> int:
    """How many chunks are there; what is no beginning of ours is removed."""
    with place_of(order, grounds) as place:
        size = 0
        if anew:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_beside(order), dir_fd=place.folder)
        else:
            size = _kept(order, place)
        may_put(order, place, order.size - size)
        if size == 0:
            os.close(os.open(_beside(order), OPEN | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=place.folder))
        return size // CHUNK


def _kept(order: FileChange, place: Place) -> int:
    """Bytes of whole chunks that are there; 0 when nothing is any more."""
    try:
        with _opened(order, place) as descriptor:
            size = os.fstat(descriptor).st_size
            size = 0 if size > order.size else size - size % CHUNK
            if size:
                os.ftruncate(descriptor, size)
                return size
    except FileNotFoundError:
        return 0
    except StepFailed:
        pass                            # planted by somebody else
    os.unlink(_beside(order), dir_fd=place.folder)
    return 0


def _write(order: FileChange, grounds: Grounds, number: int, data: bytes) -> None:
    with place_of(order, grounds) as place, _opened(order, place) as descriptor:
        if os.lseek(descriptor, 0, os.SEEK_END) != number * CHUNK:
            raise _foreign(order)
        write_all(descriptor, data)


def _verified(order: FileChange, grounds: Grounds) -> str | None:
    """The stamp of what is there, once it is on the disk; None when it is not what was sent."""
    with place_of(order, grounds) as place, _opened(order, place) as descriptor:
        os.fsync(descriptor)
        same = hmac.compare_digest(_digest(descriptor), order.sha256)
        return stamp_of(os.fstat(descriptor)) if same else None


def _finish(order: FileChange, grounds: Grounds, stamp: str) -> str:
    """What was done. The file has to be the very one that was verified."""
    with place_of(order, grounds) as place, _opened(order, place) as descriptor:
        if stamp_of(os.fstat(descriptor)) != stamp:
            raise _foreign(order)
        may_put(order, place, 0)
        dress(descriptor, order.mode, place.found)
        take_name(order, _beside(order), place)
        return f"{order.size} bytes, sha256 {order.sha256}"


@contextlib.contextmanager
def _opened(order: FileChange, place: Place) -> Iterator[int]:
    """What is kept of the file; StepFailed when it is not what this agent made, FileNotFoundError when it is gone."""
    try:
        descriptor = os.open(_beside(order), OPEN, dir_fd=place.folder)
    except FileNotFoundError:
        raise
    except OSError as cause:
        raise _foreign(order) from cause
    try:
        found = os.fstat(descriptor)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
        if not ours or stat.S_IMODE(found.st_mode) != 0o600:
            raise _foreign(order)
        yield descriptor
    finally:
        os.close(descriptor)


def _digest(descriptor: int) -> str:
    digest, at = hashlib.sha256(), 0
    while piece := os.pread(descriptor, PIECE, at):
        digest.update(piece)
        at += len(piece)
    return digest.hexdigest()


def _data(order: FileChange, number: int, reply: Reply) -> bytes:
    try:
        data = base64.b64decode(reply.data, validate=True) if isinstance(reply, ChunkHere) else b""
    except binascii.Error as cause:
        raise InputInvalid("a chunk is not base64") from cause
    if len(data) != min(CHUNK, order.size - number * CHUNK):
        raise altered()
    return data


def _beside(order: FileChange) -> str:
    return f".guru-put-{order.transfer}"


def _foreign(order: FileChange) -> StepFailed:
    return StepFailed(f"what was kept of {order.path} was changed by somebody else")
