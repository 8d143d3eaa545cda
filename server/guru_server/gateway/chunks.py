"""Questions of devices about chunks of transfers: read from frames, answered by whoever keeps them. It keeps none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import JsonValue, ValidationError

from guru_server.gateway.frames import Broken
from guru_wire.chunks import ChunkEnd, ChunkGet, ChunkNo, ChunkPut, Question, Reply

_QUESTIONS: Mapping[str, type[ChunkGet] | type[ChunkPut] | type[ChunkEnd]] = {
    "chunk.get": ChunkGet, "chunk.put": ChunkPut, "chunk.end": ChunkEnd,
}


class Chunks(Protocol):
    """Whoever keeps transfers."""

    async def answer(self, device: str, question: Question) -> Reply:
        """What the device is told; Unreachable when that is not known now."""


class NoChunks:
    """A gateway without transfers."""

    async def answer(self, device: str, question: Question) -> Reply:
        """There are none."""
        return ChunkNo(transfer=question.transfer, reason="there are no transfers here")


def question_of(kind: str, message: dict[str, JsonValue]) -> Question | None:
    """The question in a frame of this kind; None when the kind asks for no chunk."""
    model = _QUESTIONS.get(kind)
    if model is None:
        return None
    try:
        return model.model_validate(message)
    except ValidationError as cause:
        raise Broken("a question about a chunk names a run, a transfer and a number") from cause
