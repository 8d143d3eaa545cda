"""What the layers around every route add to a small answer: limits, ETags and links. In this process."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_server.api.pacing import Limits, Pace, Paced, Weights
from guru_server.api.paging import Linked
from guru_server.api.tags import Tags
from guru_server.clock import wall
from guru_server.identity.people import Person
from tests.bench.figures import Figure
from tests.bench.measuring import Span
from tests.bench.sizes import Size

REQUESTS = 5_000


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"items": [{"name": "web1", "state": "UpToDate"}] * 20, "next": None})(scope, receive, send)


async def _ask(app: ASGIApp, person: Person) -> None:
    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        pass

    for _ in range(REQUESTS):
        scope: Scope = {"type": "http", "method": "GET", "path": "/api/v1/x", "query_string": b"", "headers": []}
        Request(scope).state.person = person
        await app(scope, receive, send)


def run(_: Size) -> list[Figure]:
    """Microseconds of a request, above the bare answer."""
    person = Person("t", "ada", "admin", None)
    limits = Limits(wall, {"reads": Pace(10**6, 1e5), "writes": Pace(1, 1), "expensive": Pace(1, 1)}, {})
    layered = Paced(Tags(Linked(_answer)), limits=limits, weights=Weights([], "/api/v1"))
    asyncio.run(_ask(layered, person))      # once before, so that both are warm
    with Span() as bare:
        asyncio.run(_ask(_answer, person))
    with Span() as whole:
        asyncio.run(_ask(layered, person))
    added = 1e6 * (whole.wall - bare.wall) / REQUESTS
    return [Figure("limits, ETag and links of a request", added, "us", others=whole.others)]
