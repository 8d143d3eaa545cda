"""Errors below /scim/v2 in the form of SCIM (RFC 7644, 3.12). It goes around the rest there, and decides nothing."""

from __future__ import annotations

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_TYPES = {400: "invalidValue", 409: "uniqueness"}


def error_body(status: int, detail: str, kind: str = "") -> bytes:
    """An error as bytes."""
    said = {"schemas": [ERROR], "status": str(status), "detail": detail[:1000]}
    return json.dumps({**said, "scimType": kind} if kind else said).encode()


class Dressed:
    """The middleware: a problem document becomes an error of SCIM, with the hint in its sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold a problem back until it is whole."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX + "/"):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def dressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    said = _told(start["status"], bytes(body))
                    headers = MutableHeaders(scope=start)
                    headers["content-type"], headers["content-length"] = MEDIA_TYPE, str(len(said))
                    await send(start)
                    await send({"type": "http.response.body", "body": said})

        await self._app(scope, receive, dressed)


def _problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("application/problem+json")


def _told(status: int, body: bytes) -> bytes:
    problem = json.loads(body)
    words = ": ".join(str(problem[one]) for one in ("detail", "hint") if problem.get(one))
    return error_body(status, words, _TYPES.get(status, ""))
