"""Runs a kept request once more inside the application, as somebody whom the caller vouches for."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.types import Message

from guru_server.identity.standing_in import STAND_IN, StandIn
from guru_server.rights.waiting import Act

MOST = 256 << 10                        # bytes of an answer that are looked at


class Said(NamedTuple):
    """What the act answered."""

    status: int
    body: str


async def replay(request: Request, act: Act, who: StandIn) -> Said:
    """Go through the gate and everything behind it; `request` is the one that agreed."""
    scope = {
        "type": "http", "asgi": request.scope["asgi"], "http_version": "1.1", "scheme": request.scope["scheme"],
        "method": act.method, "path": act.path, "raw_path": act.path.encode(), "query_string": act.query.encode(),
        "root_path": "", "client": request.scope.get("client"), "server": request.scope.get("server"), "state": {},
        "headers": [(b"content-type", act.content_type.encode()), (b"content-length", b"%d" % len(act.body)),
                    (b"host", request.headers.get("host", "").encode())],
        "guru.request": request.scope.get("guru.request", ""), STAND_IN: who,
    }
    given, status, body = False, 500, bytearray()

    async def receive() -> Message:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": act.body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif len(body) < MOST:
            body.extend(message.get("body", b""))

    await request.app(scope, receive, send)
    return Said(status, body[:MOST].decode(errors="replace"))
