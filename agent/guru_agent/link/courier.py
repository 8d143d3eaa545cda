"""Asks the server about chunks of transfers, over whatever link stands: again, when one was cut. It keeps nothing.

A transfer has one question at a time. What comes late, or for a question of before, is passed over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from guru_agent.link.carrier import Carrier, LinkLost
from guru_agent.logs import plain, say
from guru_policy.errors import StepFailed
from guru_wire.chunks import SINCE, ChunkEnd, ChunkGet, ChunkGot, ChunkHere, ChunkNo, ChunkPut, Question, Reply
from guru_wire.link import Welcome

LOG = logging.getLogger(__name__)
PATIENCE = 30.0                         # seconds until a question is asked again
AGAIN = 0.5                             # seconds, when nothing could be sent


class _Waiting(NamedTuple):
    question: Question
    answer: asyncio.Future[Reply]


class Courier:
    """The questions that wait for an answer, and the link that stands."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._carrier: Carrier | None = None
        self._stands = asyncio.Event()
        self._waiting: dict[str, _Waiting] = {}
        self._patience = patience

    @contextmanager
    def over(self, carrier: Carrier, welcome: Welcome) -> Iterator[None]:
        """This link stands. Nothing is asked of an older server, nor while this device is held."""
        if welcome.language >= SINCE and not welcome.held:
            self._carrier = carrier
            self._stands.set()
        try:
            yield
        finally:
            self._carrier = None
            self._stands.clear()
            for one in self._waiting.values():
                if not one.answer.done():
                    one.answer.set_exception(LinkLost("the link ended"))

    def answered(self, reply: Reply) -> None:
        """The server says something of a transfer."""
        waiting = self._waiting.get(reply.transfer)
        if waiting is not None and not waiting.answer.done() and _fits(waiting.question, reply):
            waiting.answer.set_result(reply)

    async def ask(self, question: Question) -> Reply:
        """The answer, however long no link stands. StepFailed with the server's reason when it says no."""
        while True:
            await self._stands.wait()
            try:
                reply = await self._once(question)
            except (LinkLost, TimeoutError) as cause:
                say(LOG, "a chunk is asked for again", logging.DEBUG, transfer=question.transfer, reason=str(cause))
                await asyncio.sleep(AGAIN)
                continue
            if isinstance(reply, ChunkNo):
                raise StepFailed(plain(reply.reason, 300))
            return reply

    async def _once(self, question: Question) -> Reply:
        carrier = self._carrier
        if carrier is None or question.transfer in self._waiting:
            raise LinkLost("no link stands, or the transfer is asked about")
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[question.transfer] = _Waiting(question, answer)
        try:
            async with asyncio.timeout(self._patience):
                await carrier.send(question.model_dump_json())
                return await answer
        finally:
            del self._waiting[question.transfer]
            answer.cancel()


def _fits(question: Question, reply: Reply) -> bool:
    if isinstance(reply, ChunkNo):
        return True
    if isinstance(question, ChunkGet):
        return isinstance(reply, ChunkHere) and reply.number == question.number
    if isinstance(question, ChunkPut):
        return isinstance(reply, ChunkGot) and not reply.whole
    return isinstance(question, ChunkEnd) and isinstance(reply, ChunkGot) and reply.whole
