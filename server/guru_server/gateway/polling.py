"""The link as POST /link/poll, for networks that let no WebSocket through: the same frames and handshake.

    {"session": null or 64 hex digits, "messages": [frame, ...], "wait": 0 to 25 seconds}
    -> {"session": ..., "messages": [frame, ...]}

The session is a secret made here and told once; it lives in this process, so a balancer before several
gateways must send a session's calls to the same one. An ended or unknown session is answered with 410.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from typing import NamedTuple

import orjson
from starlette.types import Receive, Scope, Send

from guru_policy.errors import GuruError, NotFound, NotSignedIn, Unsupported
from guru_server.clock import Clock
from guru_server.gateway.frames import Broken, opened, written
from guru_server.gateway.handshake import challenge, refused
from guru_server.gateway.limits import Limits
from guru_server.gateway.links import GOING_AWAY, Link
from guru_server.gateway.plain import plain
from guru_server.gateway.talking import Full, Talk
from guru_server.origins import FairPlaces, origin_of
from guru_wire.operator import Problem

log = logging.getLogger("guru.gateway")

_EVERY = 5.0                            # seconds between looks for sessions that ended
_TAKE = 1 << 20                         # bytes of frames after which an answer is full


class Call(NamedTuple):
    """What an agent asks in one call."""

    session: str | None
    messages: list[bytes]
    wait: float


class Gone(NotFound):
    """The session ended, or never was."""


class TooLarge(Broken):
    """A call has more bytes than any may."""


class _Session:
    """One agent's session: a stranger until its handshake."""

    __slots__ = ("calls", "link", "nonce", "origin", "rang", "seen", "waiter")

    def __init__(self, nonce: str, origin: str) -> None:
        self.nonce, self.origin = nonce, origin
        self.link: Link | None = None
        self.seen = time.monotonic()
        self.calls = 0                  # under way now
        self.waiter = 0                 # number of the newest call that waits: an older one is let go
        self.rang = asyncio.Event()


class Polls:
    """The ASGI application behind POST /link/poll."""

    def __init__(self, talk: Talk, *, now: Clock, limits: Limits) -> None:
        self._talk, self._now, self._limits = talk, now, limits
        self._sessions: dict[bytes, _Session] = {}      # by digest: a lookup tells nothing of the secret
        self._strangers = FairPlaces(limits.strangers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        try:
            call = _call_of(await self._body(receive), self._limits)
            answer = await self._answer(call, origin_of(str((scope.get("client") or ("", 0))[0])))
        except GuruError as error:
            status = _status_of(error)
            problem = Problem(
                title=plain(error.message),
                status=status,
                code=error.code,
                hint=error.hint,
                exit_code=error.exit_code,
            )
            body = problem.model_dump_json(by_alias=True).encode()
            await _respond(send, status, b"application/problem+json", body)
        else:
            await _respond(send, 200, b"application/json", answer)

    async def expire(self) -> None:
        """Forget sessions that nobody calls any more, until cancelled."""
        while True:
            await asyncio.sleep(min(_EVERY, self._limits.poll_idle / 4, self._limits.handshake / 2))
            now = time.monotonic()
            for key, session in list(self._sessions.items()):
                idle = self._limits.handshake if session.link is None else self._limits.poll_idle
                if not session.calls and now - session.seen > idle:
                    self._end(key, session)

    async def _answer(self, call: Call, origin: str) -> bytes:
        if call.session is None:
            return self._open(origin)
        key = _key(call.session)
        session = self._sessions.get(key)
        if session is None:
            raise Gone("this session ended", hint="begin a new one")
        session.calls += 1
        session.seen = time.monotonic()
        try:
            frames = await self._converse(key, session, call)
        finally:
            session.calls -= 1
            session.seen = time.monotonic()
        if not frames and session.link is not None and session.link.ending is not None:
            self._end(key, session)
            raise Gone(f"this session ended: {session.link.ending.reason}", hint="begin a new one")
        return _answer_of(call.session, frames)

    def _open(self, origin: str) -> bytes:
        if not self._strangers.take(origin):
            raise Full("too many handshakes are under way", hint="try again in a few seconds")
        token = secrets.token_hex(32)
        opening = challenge(self._now())
        self._sessions[_key(token)] = _Session(opening.nonce, origin)
        return _answer_of(token, [written(opening)])

    async def _converse(self, key: bytes, session: _Session, call: Call) -> list[bytes]:
        messages = list(call.messages)
        if session.link is None:
            if not messages:
                return []
            try:
                session.link = await self._greet(key, session, messages.pop(0))
            except (NotSignedIn, Unsupported) as error:
                self._end(key, session)
                return [written(refused(error))]
            except GuruError:
                self._end(key, session)
                raise
        link = session.link
        for message in messages:
            await self._talk.hear(link, message)
        return await self._take(session, link, call.wait)

    async def _greet(self, key: bytes, session: _Session, hello: bytes) -> Link:
        nonce, session.nonce = session.nonce, ""
        if not nonce:
            raise Broken("a session has one handshake")
        link = await self._talk.greet(hello, nonce)
        if key not in self._sessions:   # ended meanwhile, by another call's broken hello
            self._talk.leave(link)
            raise Gone("this session ended", hint="begin a new one")
        link.wake = session.rang.set
        self._strangers.leave(session.origin)
        return link

    async def _take(self, session: _Session, link: Link, wait: float) -> list[bytes]:
        """What the link has to say; waits when that is nothing."""
        frames = _taken(link)
        if frames or not wait:
            return frames
        session.waiter += 1
        session.rang.set()              # let go of an older call
        mine = session.waiter
        try:
            async with asyncio.timeout(wait):
                while not frames and mine == session.waiter and link.ending is None:
                    session.rang.clear()
                    await session.rang.wait()
                    frames = _taken(link) if mine == session.waiter else []
        except TimeoutError:
            pass                        # nothing happened: an empty answer
        if not frames:
            link.remind()               # an answer may have been lost with its connection
            frames = _taken(link)
        return frames

    def _end(self, key: bytes, session: _Session) -> None:
        if self._sessions.pop(key, None) is None:
            return
        if session.link is None:
            self._strangers.leave(session.origin)
            return
        session.link.wake = session.rang.set
        session.link.end(GOING_AWAY, "the session ended")
        self._talk.leave(session.link)

    async def _body(self, receive: Receive) -> bytes:
        """The body; how long it may take is decided at the edge."""
        body = bytearray()
        while True:
            event = await receive()
            if event["type"] != "http.request":
                raise Broken("the call was cut")
            body += event.get("body", b"")
            if len(body) > self._limits.poll_body:
                raise TooLarge(f"a call has more than {self._limits.poll_body} bytes")
            if not event.get("more_body"):
                return bytes(body)


def _call_of(body: bytes, limits: Limits) -> Call:
    asked = opened(body, limits.poll_body)
    session, messages, wait = asked.get("session"), asked.get("messages", []), asked.get("wait", 0)
    if session is not None and not isinstance(session, str):
        raise Broken("a session is a text or null")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise Broken("messages are a list of frames")
    if not isinstance(wait, int | float):
        raise Broken("wait is a number of seconds")
    wait = min(max(0.0, wait), limits.poll_wait)
    return Call(session, [orjson.dumps(message) for message in messages], wait)


def _taken(link: Link) -> list[bytes]:
    frames: list[bytes] = []
    size = 0
    while size < _TAKE and (frame := link.take()) is not None:
        frames.append(frame)
        size += len(frame)
    return frames


def _answer_of(session: str, frames: list[bytes]) -> bytes:
    return b'{"session":"' + session.encode() + b'","messages":[' + b",".join(frames) + b"]}"


def _key(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()


def _status_of(error: GuruError) -> int:
    if isinstance(error, Gone):
        return 410
    if isinstance(error, TooLarge):
        return 413
    return 400 if isinstance(error, Broken) else 503


async def _respond(send: Send, status: int, kind: bytes, body: bytes) -> None:
    length = str(len(body)).encode()
    headers = [(b"content-type", kind), (b"content-length", length), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
