"""The other half, as the half that decides sees it: a Network over a socket of this machine. It believes it nothing.

Only one process of one user is heard. What it says is bounded in size and number, and is read as if it came from
anywhere; whatever is odd ends the connection to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import socket
import stat
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

import orjson
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, RootModel, ValidationError

from guru_agent.halves.frames import (
    ANSWER,
    ASK,
    DIAL,
    FAILED,
    HANG_UP,
    LOOK,
    OPENED,
    TEXT,
    Broken,
    Channel,
    Frame,
    Gone,
)
from guru_agent.link.carrier import Blocked, Carrier, LinkLost, Server
from guru_agent.logs import plain, say
from guru_policy.errors import CannotLook, GuruError, InputInvalid, Unreachable, Untrusted
from guru_policy.host import HttpAnswer

LOG = logging.getLogger(__name__)
COMES = 10.0                            # seconds that the other half may take to be there
ANSWERS = 60.0                          # seconds that it may take to open a connection, or to bring an answer
LOOKS = 5.0                             # seconds beyond a look's own limit
WAITING, ALONE = 4, 2                   # frames of a link, and of an answer, that wait to be taken
MOST_FRAMES = 2000                      # in a second: a server never says that much
SOON, SHUNNED = 0.1, 2.0                # seconds until the next is heard, after one that is gone or broke the rules
FROM_IT = bytes((OPENED, ANSWER, TEXT, FAILED))
ModelT = TypeVar("ModelT", bound=BaseModel)


class _Failure(BaseModel):
    """Why the other half could not, or cannot any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(max_length=16)
    message: str = Field(max_length=500)


class _Seconds(RootModel[float]):
    """How long a connection took."""

    model_config = ConfigDict(frozen=True, strict=True)

    root: float = Field(ge=0, allow_inf_nan=False)


class _Page(BaseModel):
    """What a look at a page found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int = Field(ge=100, le=999)
    body: Base64Bytes
    elapsed: float = Field(ge=0, allow_inf_nan=False)
    days: float | None = Field(allow_inf_nan=False)


class _Line:
    """What comes about one connection or question."""

    def __init__(self, room: int) -> None:
        """`room` is 2 at least: whoever waits to put one finds room beside the end."""
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue(room)
        self.over = False

    async def put(self, frame: Frame) -> None:
        """Keep it until it is taken; waits for room, and keeps nothing after the end."""
        if not self.over:
            await self._frames.put(frame)

    async def take(self) -> Frame:
        """The next; what failed is raised."""
        frame = None if self.over and self._frames.empty() else await self._frames.get()
        if frame is None:
            raise LinkLost("the network half is gone")
        if frame.kind == FAILED:
            raise _error(frame.payload)
        return frame

    def end(self) -> None:
        """Nothing comes any more, and nobody waits any more."""
        self.over = True
        while not self._frames.empty():
            self._frames.get_nowait()
        self._frames.put_nowait(None)


class Far:
    """A Network through the other half, which `run` hears."""

    def __init__(self, path: Path, user: str, comes: float = COMES) -> None:
        try:
            known = pwd.getpwnam(user)
        except KeyError as cause:
            raise InputInvalid(f"no user is called {user}", hint="look at the setting network_user") from cause
        self._path, self._uid, self._gid, self._comes = path, known.pw_uid, known.pw_gid, comes
        self._channel: Channel | None = None
        self._here = asyncio.Event()
        self._lines: dict[int, _Line] = {}
        self._count = 0

    async def run(self) -> None:
        """Hear the other half until cancelled: one at a time, the next when that one is gone."""
        listening = self._listen()
        try:
            while True:
                peer, _ = await asyncio.get_running_loop().sock_accept(listening)
                wait = await self._met(Channel(*await asyncio.open_unix_connection(sock=peer, limit=1 << 17), FROM_IT))
                await asyncio.sleep(wait)
        finally:
            listening.close()
            self._path.unlink(missing_ok=True)

    def _listen(self) -> socket.socket:
        _make_room(self._path)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            made.bind(str(self._path))
            if os.geteuid() == 0:
                os.chown(self._path, 0, self._gid)
            self._path.chmod(0o660)
            made.listen(1)
        except OSError as cause:
            made.close()
            raise GuruError(f"cannot listen on {self._path}: {cause.strerror}") from cause
        return made

    async def websocket(self, server: Server) -> Carrier:
        """Have a WebSocket opened."""
        return await self._dial("websocket", server)

    async def longpoll(self, server: Server) -> Carrier:
        """Have a session of requests opened."""
        return await self._dial("long-poll", server)

    async def trust(self, server: Server) -> bytes:
        """Have the server asked for its keys."""
        return await self._ask(ASK, _wish(server), ANSWERS)

    async def connect(self, address: str, port: int, timeout: float) -> float | None:
        """Have a connection tried (guru_agent.reaching.Reach)."""
        wish = {"what": "connect", "address": address, "port": port, "timeout": timeout}
        found = await self._look(_Seconds, wish, timeout)
        return None if found is None else min(found.root, timeout)

    async def get(self, url: str, *, timeout: float, limit: int, verify: bool = True) -> HttpAnswer | None:
        """Have a page asked for (guru_agent.reaching.Reach)."""
        wish = {"what": "get", "url": url, "timeout": timeout, "limit": limit, "verify": verify}
        page = await self._look(_Page, wish, timeout)
        if page is None:
            return None
        return HttpAnswer(page.status, page.body[:limit], min(page.elapsed, timeout), page.days)

    async def _look(self, model: type[ModelT], wish: Mapping[str, object], timeout: float) -> ModelT | None:
        try:
            found = await self._ask(LOOK, orjson.dumps(wish), timeout + LOOKS)
            return None if found == b"null" else model.model_validate_json(found)
        except (Unreachable, Untrusted) as cause:
            raise CannotLook(cause.message) from cause
        except ValidationError as cause:
            raise CannotLook("the network half says what is no answer") from cause

    async def _ask(self, kind: int, wish: bytes, seconds: float) -> bytes:
        channel = await self._present()
        about, line = self._line(ALONE)
        try:
            return (await _within(seconds, self._asked(channel, Frame(kind, about, wish), line), ANSWER)).payload
        finally:
            del self._lines[about]

    async def _dial(self, how: str, server: Server) -> Carrier:
        channel = await self._present()
        about, line = self._line(WAITING)
        carrier = FarCarrier(how, channel, about, line, self._lines)
        try:
            await _within(ANSWERS, self._asked(channel, Frame(DIAL, about, _wish(server, how)), line), OPENED)
        except BaseException:
            await carrier.close()
            raise
        return carrier

    async def _asked(self, channel: Channel, wish: Frame, line: _Line) -> Frame:
        await channel.send(wish)
        return await line.take()

    async def _present(self) -> Channel:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._comes):
                await self._here.wait()
        if self._channel is None:
            raise Unreachable("the network half of this agent does not run")
        return self._channel

    def _line(self, room: int) -> tuple[int, _Line]:
        self._count += 1
        line = self._lines[self._count] = _Line(room)
        return self._count, line

    async def _met(self, channel: Channel) -> float:
        """Hear whoever came until it is gone; the seconds until the next is heard."""
        try:
            channel.require({self._uid})
            self._channel = channel
            self._here.set()
            say(LOG, "the network half is here")
            await self._hear(channel)
        except Gone:
            say(LOG, "the network half is gone", logging.WARNING)
            return SOON
        except Broken as end:
            say(LOG, "the network half was left", logging.ERROR, reason=end.message)
            return SHUNNED
        finally:
            channel.cut()
            self._here.clear()
            self._channel = None
            for line in list(self._lines.values()):
                line.end()

    async def _hear(self, channel: Channel) -> NoReturn:
        loop = asyncio.get_running_loop()
        began, count = loop.time(), 0
        while True:
            frame = await channel.receive()
            count += 1
            if loop.time() - began > 1.0:
                began, count = loop.time(), 0
            if count > MOST_FRAMES:
                raise Broken(f"more than {MOST_FRAMES} frames in a second")
            if frame.about in self._lines:
                await self._lines[frame.about].put(frame)


def _wish(server: Server, how: str = "") -> bytes:
    """Where to dial, for the other half."""
    return orjson.dumps(
        {"how": how, "host": server.host, "port": server.port, "ca": server.ca, "proxy": server.proxy,
         "base": server.base}
    )


class FarCarrier:
    """A Carrier whose connection the other half has."""

    def __init__(self, name: str, channel: Channel, about: int, line: _Line, lines: dict[int, _Line]) -> None:
        self._name, self._channel, self._about, self._line, self._lines = name, channel, about, line, lines

    @property
    def name(self) -> str:
        """Which carrier the other half uses."""
        return self._name

    async def send(self, text: str) -> None:
        """Hand over one message."""
        if self._line.over:
            raise LinkLost("the network half is gone")
        try:
            await self._channel.send(Frame(TEXT, self._about, text.encode()))
        except Broken as cause:
            raise LinkLost(cause.message) from cause

    async def receive(self) -> bytes:
        """The next message."""
        frame = await self._line.take()
        if frame.kind != TEXT:
            raise LinkLost("the network half said something else")
        return frame.payload

    async def close(self) -> None:
        """Have it hung up."""
        gone = self._line.over
        self._lines.pop(self._about, None)
        self._line.end()
        if not gone:
            try:
                await self._channel.send(Frame(HANG_UP, self._about))
            except Broken:
                return


def _error(payload: bytes) -> GuruError:
    try:
        failure = _Failure.model_validate_json(payload)
    except ValidationError:
        return LinkLost("the network half failed, and does not say how")
    kinds: dict[str, type[GuruError]] = {"blocked": Blocked, "unreachable": Unreachable, "untrusted": Untrusted}
    return kinds.get(failure.kind, LinkLost)(plain(failure.message, 500))


async def _within(seconds: float, asked: Awaitable[Frame], kind: int) -> Frame:
    """The answer of this kind; LinkLost when it does not come in time, or when the other half is gone."""
    try:
        async with asyncio.timeout(seconds):
            frame = await asked
    except TimeoutError as cause:
        raise LinkLost(f"the network half did not answer within {seconds:g} s") from cause
    except Broken as cause:
        raise LinkLost(cause.message) from cause
    if frame.kind != kind:
        raise LinkLost("the network half answered something else")
    return frame


def _make_room(path: Path) -> None:
    """Take away what a killed process left at this place; GuruError when it is something else."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as cause:
        raise GuruError(f"cannot use the socket {path}: {cause.strerror}") from cause
    if not stat.S_ISSOCK(found.st_mode):
        raise GuruError(f"{path} is no socket", hint="remove it, or choose another place")
    path.unlink()
