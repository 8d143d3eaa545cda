"""`Link: rel=next` for pages (RFC 8288), from the page's own cursor. It knows no list."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The cursor is the last member of what we write; an opaque text without quotes. Rows come before it.
_NEXT = re.compile(rb'"next":\s*"([^"\\]{1,8000})"\s*}\s*$')


class Linked:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the head of an answer to GET back until its first, mostly only, part is there."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def linked(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                began, start = start, None
                found = _NEXT.search(message.get("body", b"")[-8100:])
                if found and began["status"] == 200 and not message.get("more_body", False):
                    MutableHeaders(scope=began).append("link", _link(scope, found[1].decode()))
                await send(began)
            await send(message)

        await self._app(scope, receive, linked)


def _link(scope: Scope, cursor: str) -> str:
    asked = [(name, value) for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name != "cursor"]
    return f'<{scope.get("guru.base", "")}{scope["path"]}?{urlencode([*asked, ("cursor", cursor)])}>; rel="next"'
