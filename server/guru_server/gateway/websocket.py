"""The link on a WebSocket, as raw ASGI: one task a connection. It carries frames and judges none."""

from __future__ import annotations

import asyncio
import logging

from starlette.types import Receive, Scope, Send

from guru_policy.errors import GuruError, NotSignedIn, Unsupported
from guru_server.clock import Clock
from guru_server.gateway.frames import Broken, written
from guru_server.gateway.handshake import challenge, refused
from guru_server.gateway.limits import Limits
from guru_server.gateway.links import BROKEN, FULL, REFUSED, Ending, Link
from guru_server.gateway.plain import plain
from guru_server.gateway.talking import Talk
from guru_server.origins import FairPlaces, origin_of

log = logging.getLogger("guru.gateway")


class Sockets:
    """The ASGI application behind WS /link."""

    def __init__(self, talk: Talk, *, now: Clock, limits: Limits) -> None:
        self._talk, self._now, self._limits = talk, now, limits
        self._strangers = FairPlaces(limits.strangers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one connection from its opening to its end."""
        await receive()                 # websocket.connect
        origin = origin_of(str((scope.get("client") or ("", 0))[0]))
        if not self._strangers.take(origin):
            await send({"type": "websocket.close", "code": FULL})
            return
        try:
            link = await self._handshake(receive, send)
        finally:
            self._strangers.leave(origin)
        if link is None:
            return
        carried = _Carried(link, send, self._limits)
        try:
            await carried.read(receive, self._talk)
        finally:
            self._talk.leave(link)
            carried.stop()

    async def _handshake(self, receive: Receive, send: Send) -> Link | None:
        opening = challenge(self._now())
        try:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": written(opening).decode()})
            async with asyncio.timeout(self._limits.handshake):
                hello = _frame(await receive())
                return await self._talk.greet(hello, opening.nonce) if hello is not None else None
        except (NotSignedIn, Unsupported) as error:
            await _say(send, Ending(REFUSED, "refused"), written(refused(error)))
        except Broken as broken:
            log.warning("a stranger broke the rules of the link: %s", broken.message)
            await _say(send, Ending(BROKEN, broken.message))
        except TimeoutError:
            await _say(send, Ending(BROKEN, "the handshake took too long"))
        except GuruError as error:
            log.warning("a handshake failed: %s", plain(error.message))
            await _say(send, Ending(FULL, "the server cannot answer now"))
        except OSError:
            pass                        # the peer left during the handshake
        return None


class _Carried:
    """A link on its connection: a reading task, and a writing task only while there is something to write."""

    def __init__(self, link: Link, send: Send, limits: Limits) -> None:
        self._link, self._send, self._limits = link, send, limits
        self._writing: asyncio.Task[None] | None = None
        self._reader = asyncio.current_task()
        self._goodbye: asyncio.TimerHandle | None = None
        link.wake = self.wake
        self.wake()

    async def read(self, receive: Receive, talk: Talk) -> None:
        """Hear frames until the peer leaves or the link ends."""
        try:
            while True:
                data = _frame(await receive())
                if data is None:
                    return
                await talk.hear(self._link, data)
        except asyncio.CancelledError:
            if self._goodbye is None:
                raise                   # the server stops; not the end of a peer that does not listen

    def wake(self) -> None:
        """Write what waits, unless a writer is at it; give a link that ends a moment for its goodbye."""
        if self._link.ending is not None and self._goodbye is None and self._reader is not None:
            self._goodbye = asyncio.get_running_loop().call_later(self._limits.close, self._reader.cancel)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    def stop(self) -> None:
        """The connection is over."""
        self._link.wake = _deaf
        if self._goodbye is not None:
            self._goodbye.cancel()
        if self._writing is not None:
            self._writing.cancel()

    async def _write(self) -> None:
        try:
            while (frame := self._link.take()) is not None:
                await self._send({"type": "websocket.send", "text": frame.decode()})
            if self._link.ending is not None:
                await _say(self._send, self._link.ending)
                return                  # `_writing` stays set: nothing is written after a goodbye
        except OSError:
            return                      # the peer left: the reader hears of it
        self._writing = None


def _frame(event: object) -> bytes | str | None:
    """The frame in an ASGI event; None when it is the end."""
    if not isinstance(event, dict) or event.get("type") != "websocket.receive":
        return None
    data = event.get("bytes")
    found = data if data is not None else event.get("text")
    return found if isinstance(found, bytes | str) else None


async def _say(send: Send, ending: Ending, last: bytes | None = None) -> None:
    try:
        if last is not None:
            await send({"type": "websocket.send", "text": last.decode()})
        await send({"type": "websocket.close", "code": ending.code, "reason": ending.reason[:100]})
    except (OSError, RuntimeError):
        pass                            # the peer left before it could hear it


def _deaf() -> None:
    """A link without a connection wakes nobody."""
