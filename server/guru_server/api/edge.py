"""The outermost layer of every HTTP request: its id, its size, its pace, its headers. It never reads what is inside."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_server.api.problems import TooLarge, TooSlow, answer
from guru_wire.version import LANGUAGE, VERSION

MOST = 8 << 20
MOST_AT = {"/api/v1/plans": 64 << 20, "/api/v1/enrol": 256 << 10, "/auth/saml/acs": 400 << 10}
HEADERS = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "guru-version": VERSION,
    "guru-language": str(LANGUAGE),
}


@dataclass(frozen=True, slots=True)
class BodyPace:
    """A body may be waited for `patience` seconds, and one more for every `rate` bytes of it that came.

    The form is that of Apache's mod_reqtimeout. A line of 64 kbit/s is fast enough.
    """

    patience: float = 20.0
    rate: int = 8 << 10


class Edge:
    """Goes around the application, outside of its own error handling."""

    def __init__(self, app: ASGIApp, pace: BodyPace | None = None) -> None:
        self._app, self._pace = app, pace or BodyPace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413 as soon as it is too large and 408 when it comes too slowly."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["guru.request"] = request_id = secrets.token_hex(8)
        most = MOST_AT.get(scope["path"], MOST)
        body = _Body(receive, most, self._pace)
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if _announced(scope) > most:
            await _too_large(scope, most)(scope, receive, dressed)
            return
        try:
            await self._app(scope, body.receive, dressed)
        except _TooMuch:
            if not started:
                await _too_large(scope, most)(scope, receive, dressed)
        except _TooLate:
            if not started:
                await _too_slow(scope)(scope, receive, dressed)
        except Exception:
            if not started:             # else it was logged and answered inside
                raise


class _Body:
    """A body on its way in, counted and timed. Only the time that the peer takes is held against it."""

    def __init__(self, receive: Receive, most: int, pace: BodyPace) -> None:
        self._receive, self._most, self._pace = receive, most, pace
        self._seen, self._waited, self._whole = 0, 0.0, False

    async def receive(self) -> Message:
        """The next message of ASGI; without a deadline once the body is whole and only the end is awaited."""
        if self._whole:
            return await self._receive()
        loop = asyncio.get_running_loop()
        began = loop.time()
        left = self._pace.patience + self._seen / self._pace.rate - self._waited
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError:
            raise _TooLate from None
        self._waited += loop.time() - began
        self._whole = not message.get("more_body", False)
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            raise _TooMuch
        return message


class _TooMuch(BaseException):
    """Passes every handler on its way out, since nobody inside may answer it."""


class _TooLate(BaseException):
    """The same, for a body that is waited for no longer."""


def _announced(scope: Scope) -> int:
    text = dict(scope["headers"]).get(b"content-length", b"0")
    return int(text) if text.isdigit() and len(text) < 20 else 0


def _too_large(scope: Scope, most: int) -> Response:
    error = TooLarge(f"the body is larger than {most >> 10} KiB", hint="send less at once")
    return answer(Request(scope), error, 413)


def _too_slow(scope: Scope) -> Response:
    error = TooSlow("the body did not come in time", hint="send it again over a faster line")
    response = answer(Request(scope), error, 408)
    response.headers["connection"] = "close"    # the rest of this body is nobody's
    return response
