"""The fallback carrier: the same frames in HTTPS requests, for networks that let no WebSocket through.

One request waits for what the server has to say while another, of its own, hands over what the agent says.
"""

from __future__ import annotations

import asyncio
import http
from typing import NamedTuple

import orjson

from guru_agent.link.carrier import LinkLost, Server
from guru_agent.link.requests import Line
from guru_policy.errors import Unreachable

PATH = "/link/poll"
WAIT = 25                               # seconds the server holds a request back
SLACK = 15.0                            # seconds more until it is overdue
MOST = 8 << 20                          # bytes of one answer
WAITING = 64                            # messages that wait to be taken


class PollAnswer(NamedTuple):
    """What POST /link/poll answers; the messages are JSON again."""

    session: str
    messages: tuple[bytes, ...]


class LongPollCarrier:
    """A Carrier over requests."""

    name = "long-poll"

    def __init__(self, server: Server) -> None:
        self._speaking, self._listening = Line(server, most=MOST), Line(server, most=MOST)
        self._session: str | None = None
        self._inbox: asyncio.Queue[bytes | LinkLost] = asyncio.Queue(WAITING)
        self._listener: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()     # a connection carries one request at a time

    async def send(self, text: str) -> None:
        """Hand over one message; what the server says at once waits to be received."""
        async with self._turn:
            await self._ask(self._speaking, text, 0)

    async def receive(self) -> bytes:
        """The next message. Once nothing waits here, the server is asked again and again."""
        if self._inbox.empty() and self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        message = await self._inbox.get()
        if isinstance(message, LinkLost):
            raise message
        return message

    async def close(self) -> None:
        """Drop both connections; the server forgets the session by itself."""
        self._speaking.cut()
        self._listening.cut()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait({self._listener}, timeout=1)

    async def _listen(self) -> None:
        try:
            while True:
                await self._ask(self._listening, None, WAIT)
        except LinkLost as lost:
            await self._inbox.put(lost)

    async def _ask(self, line: Line, text: str | None, wait: int) -> None:
        session = orjson.dumps(self._session).decode()
        body = f'{{"session":{session},"messages":[{text or ""}],"wait":{wait}}}'.encode()
        try:
            status, data = await asyncio.to_thread(line.ask, "POST", PATH, body, timeout=wait + SLACK)
        except Unreachable as cause:
            raise LinkLost(cause.message) from cause
        if status == http.HTTPStatus.GONE:
            raise LinkLost("the server has forgotten this session")
        if status != http.HTTPStatus.OK:
            raise LinkLost(f"the server answered {status} to a poll")
        answer = read_answer(data)
        self._session = answer.session
        for message in answer.messages:
            await self._inbox.put(message)


def read_answer(data: bytes) -> PollAnswer:
    """The answer; LinkLost for what is none. Without models: the half that carries has none."""
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError as cause:
        raise LinkLost("the answer to a poll is not readable") from cause
    session, messages = (told.get("session"), told.get("messages")) if isinstance(told, dict) else (None, None)
    if not isinstance(session, str) or not isinstance(messages, list):
        raise LinkLost("the answer to a poll is not readable")
    if not all(isinstance(message, dict) for message in messages):
        raise LinkLost("the answer to a poll is not readable")
    return PollAnswer(session, tuple(orjson.dumps(message) for message in messages))


async def open_longpoll(server: Server) -> LongPollCarrier:
    """Begin a session; its first message is the server's challenge."""
    carrier = LongPollCarrier(server)
    try:
        await carrier._ask(carrier._speaking, None, 0)
    except LinkLost as cause:
        await carrier.close()
        raise Unreachable(cause.message) from cause
    return carrier
