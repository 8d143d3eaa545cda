"""Sends a file of any size, chunk by chunk, to the server. It never writes, and a file that changes meanwhile ends it.

Every chunk is opened and judged as looks are, and has to be of the same unchanged file.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from typing import NamedTuple

from guru_agent.jobs.file_parts import stamp_of, whole_file
from guru_agent.jobs.file_puts import Ask
from guru_agent.jobs.files import OPEN, Grounds, opened
from guru_agent.jobs.tape import Heard
from guru_policy.errors import CannotLook
from guru_wire.chunks import CHUNK, MAX_TRANSFER, ChunkEnd, ChunkGot, ChunkPut, Sent, chunks_of
from guru_wire.files import FileLook


class _File(NamedTuple):
    size: int
    stamp: str


async def send(look: FileLook, run: str, grounds: Grounds, ask: Ask, heard: Heard) -> str:
    """Send it, and tell its size and digest as output; the same in words for the audit log. A GuruError says why not.
    """
    file, digest, there = await asyncio.to_thread(_begin, look, grounds), hashlib.sha256(), 0
    for number in range(chunks_of(file.size)):
        data = await asyncio.to_thread(_read, look, grounds, file, number)
        digest.update(data)
        if number and number < there:
            continue                    # it came by an earlier run, or before a cut link
        text = base64.b64encode(data).decode()
        reply = await ask(ChunkPut(run=run, transfer=look.transfer, number=number, data=text))
        there = reply.chunks if isinstance(reply, ChunkGot) else 0
        if there <= number:
            raise CannotLook("the server did not take a chunk")
    sent = Sent(size=file.size, sha256=digest.hexdigest())
    await ask(ChunkEnd(run=run, transfer=look.transfer, size=sent.size, sha256=sent.sha256))
    if not heard("out", sent.model_dump_json().encode() + b"\n"):
        raise CannotLook("how it went could not be kept: the spool or the disk is full")
    return f"{sent.size} bytes, sha256 {sent.sha256}"


def _begin(look: FileLook, grounds: Grounds) -> _File:
    descriptor = opened(look, grounds, OPEN)
    try:
        found = whole_file(descriptor, look.path, MAX_TRANSFER)
        return _File(found.st_size, stamp_of(found))
    finally:
        os.close(descriptor)


def _read(look: FileLook, grounds: Grounds, file: _File, number: int) -> bytes:
    """A whole chunk; CannotLook when it is not of that file any more, or it was written to."""
    descriptor = opened(look, grounds, OPEN)
    try:
        data = b""
        wanted = min(CHUNK, file.size - number * CHUNK)
        while len(data) < wanted and (piece := os.pread(descriptor, wanted - len(data), number * CHUNK + len(data))):
            data += piece
        if len(data) != wanted or stamp_of(os.fstat(descriptor)) != file.stamp:
            raise CannotLook(f"{look.path} changed while it was read")
        return data
    finally:
        os.close(descriptor)
