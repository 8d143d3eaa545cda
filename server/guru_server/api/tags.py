"""Strong ETags of small answers, and 304 for whoever has the answer already (RFC 9110, 8.8). It knows no route."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_server.tagging import matches, tag_of

MOST = 1 << 20                          # bytes; a larger answer goes out as it comes


class Tags:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold a small answer to GET back until it is whole, then tag it."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        wanted = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if not _small(message):
                    await send(message)
                    return
                start = message
                return
            if start is None:
                await send(message)
                return
            began, start = start, None
            if message.get("more_body", False):
                await send(began)
                await send(message)
                return
            headers, body = MutableHeaders(scope=began), message.get("body", b"")
            tag = headers.setdefault("etag", tag_of(body))
            if matches(wanted, tag):
                began["status"] = 304
                del headers["content-length"]
                del headers["content-type"]
                body = b""
            await send(began)
            await send({**message, "body": body})

        await self._app(scope, receive, tagged)


def _small(start: Message) -> bool:
    length = Headers(raw=start["headers"]).get("content-length", "")
    return start["status"] == 200 and length.isdigit() and int(length) <= MOST
