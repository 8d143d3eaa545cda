"""The outermost layer of every HTTP request: its id, its size, its headers. It never reads what is inside."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_server.api.problems import TooLarge, answer

MOST = 8 << 20
MOST_AT = {"/api/v1/plans": 64 << 20, "/api/v1/enrol": 256 << 10}
HEADERS = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


class Edge:
    """Goes around the application, outside of its own error handling."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413 as soon as it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["guru.request"] = request_id = secrets.token_hex(8)
        most = MOST_AT.get(scope["path"], MOST)
        seen = 0
        started = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise _TooMuch
            return message

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
            await self._app(scope, counted, dressed)
        except _TooMuch:
            if not started:
                await _too_large(scope, most)(scope, receive, dressed)
        except Exception:
            if not started:             # else it was logged and answered inside
                raise


class _TooMuch(BaseException):
    """Passes every handler on its way out, since nobody inside may answer it."""


def _announced(scope: Scope) -> int:
    text = dict(scope["headers"]).get(b"content-length", b"0")
    return int(text) if text.isdigit() and len(text) < 20 else 0


def _too_large(scope: Scope, most: int) -> Response:
    error = TooLarge(f"the body is larger than {most >> 10} KiB", hint="send less at once")
    return answer(Request(scope), error, 413)
