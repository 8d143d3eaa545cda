"""Chunks of transfers on the agent link: what is asked, and what is answered. Frozen models, no logic.

A device asks while a run of its own that names the transfer is not over, one question at a time for a transfer. It
asks again what got no answer: a chunk that is there already is compared, and an end that was told is told again.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.model import Carried

CHUNK = 256 << 10                       # bytes of every chunk but the last, which is shorter
MAX_TRANSFER = 16 << 30                 # bytes of a file; a setting of the server bounds it lower
MAX_CHUNKS = MAX_TRANSFER // CHUNK
SINCE = 13                              # the LANGUAGE of these frames

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Encoded = Annotated[str, StringConstraints(max_length=CHUNK * 4 // 3 + 4)]     # base64


class Sent(Carried):
    """What a device printed of a file that it sent: as one line of JSON."""

    size: int = Field(ge=0, le=MAX_TRANSFER)
    sha256: Digest


class ChunkGet(Carried):
    """The device wants a chunk; answered by ChunkHere."""

    t: Literal["chunk.get"] = "chunk.get"
    run: Id
    transfer: Id
    number: int = Field(ge=0, le=MAX_CHUNKS)


class ChunkPut(Carried):
    """The device brings a chunk; answered by ChunkGot. One that is there already has to be the same."""

    t: Literal["chunk.put"] = "chunk.put"
    run: Id
    transfer: Id
    number: int = Field(ge=0, le=MAX_CHUNKS)
    data: Encoded


class ChunkEnd(Carried):
    """All chunks of a file are there, says the device; answered by ChunkGot once what is there has that digest."""

    t: Literal["chunk.end"] = "chunk.end"
    run: Id
    transfer: Id
    size: int = Field(ge=0, le=MAX_TRANSFER)
    sha256: Digest


class ChunkHere(Carried):
    """A chunk."""

    t: Literal["chunk.here"] = "chunk.here"
    transfer: str
    number: int
    data: Encoded


class ChunkGot(Carried):
    """So many chunks are there: where to go on. After an end, also that all of it is whole."""

    t: Literal["chunk.got"] = "chunk.got"
    transfer: str
    chunks: int
    whole: bool = False


class ChunkNo(Carried):
    """It is not given or taken, and asking again helps nothing."""

    t: Literal["chunk.no"] = "chunk.no"
    transfer: str
    reason: str


Question = ChunkGet | ChunkPut | ChunkEnd
Reply = ChunkHere | ChunkGot | ChunkNo


def chunks_of(size: int) -> int:
    """How many chunks so many bytes are."""
    return -(-size // CHUNK)
