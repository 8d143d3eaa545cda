"""How often somebody may ask: a token bucket for each actor and class of route, in this process. It knows no subject.

Headers are those of the IETF draft (draft-ietf-httpapi-ratelimit-headers): RateLimit-Policy and RateLimit.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_server.api.problems import answer
from guru_server.clock import Clock
from guru_server.identity.rates import TooMany
from guru_server.rights.weighing import light_of, weight_of

Kind = Literal["reads", "writes", "expensive"]
TOGETHER = ""                           # the actor that stands for all of a tenant: nobody has no name
MOST = 20_000                           # buckets; the one that was used longest ago is forgotten first


class Pace(NamedTuple):
    """`burst` at once, then `rate` a second; a burst of 0 is no limit."""

    burst: int
    rate: float


class Left(NamedTuple):
    """What a look at a bucket found."""

    taken: bool
    left: int
    wait: int                           # seconds until there is one more
    full: int                           # seconds until it is full again


Paces = Mapping[Kind, Pace]


class Buckets:
    """The buckets of this process. The time is passed in, in ms."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, Kind], tuple[float, int]] = OrderedDict()

    def take(self, actor: str, kind: Kind, pace: Pace, now: int) -> Left:
        """Take one."""
        had, then = self._held.get((actor, kind), (float(pace.burst), now))
        left = min(float(pace.burst), had + max(0, now - then) / 1000 * pace.rate)
        taken = left >= 1
        left -= taken
        self._held[actor, kind] = left, now
        self._held.move_to_end((actor, kind))
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        wait = 0 if left >= 1 else max(1, math.ceil((1 - left) / pace.rate))
        return Left(taken, int(left), wait, math.ceil((pace.burst - left) / pace.rate))


class Weights:
    """Which class a request is of: what a route declares with `@costly` or `@light`, else by its method."""

    def __init__(self, routers: Iterable[APIRouter], prefix: str) -> None:
        self._prefix = prefix
        self._declared: list[tuple[re.Pattern[str], frozenset[str], Kind]] = [
            (route.path_regex, frozenset(route.methods or ()), "expensive" if weight_of(route.endpoint) else "reads")
            for router in routers for route in router.routes
            if isinstance(route, APIRoute) and (weight_of(route.endpoint) or light_of(route.endpoint))
        ]

    def kind(self, method: str, path: str) -> Kind:
        """The class."""
        inside = path.removeprefix(self._prefix)
        for pattern, methods, kind in self._declared:
            if method in methods and pattern.fullmatch(inside):
                return kind
        return "reads" if method in ("GET", "HEAD") else "writes"


class Limits(NamedTuple):
    """How often; `named` is for some actors, such as `key:ci`, in place of `paces`; `together` for all at once."""

    clock: Clock
    paces: Paces
    named: Mapping[str, Paces]
    together: Pace = Pace(0, 1.0)

    def of(self, actor: str, kind: Kind) -> Pace:
        """What holds for this actor."""
        return self.named.get(actor, self.paces).get(kind, self.paces[kind])


class Paced:
    """The middleware; behind the gate, so that it knows who asks. What is public or a link never comes here named."""

    def __init__(self, app: ASGIApp, *, limits: Limits, weights: Weights) -> None:
        self._app, self._limits, self._weights, self._buckets = app, limits, weights, Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        request = Request(scope) if scope["type"] == "http" else None
        person = getattr(request.state, "person", None) if request else None
        if request is None or person is None:
            await self._app(scope, receive, send)
            return
        together = self._limits.together
        if together.burst:
            found = self._buckets.take(TOGETHER, "reads", together, self._limits.clock())
            if not found.taken:
                await _refused(request, "your organisation asks too much at once", found)(scope, receive, send)
                return
        kind = self._weights.kind(request.method, scope["path"])
        pace = self._limits.of(person.actor, kind)
        if not pace.burst:
            await self._app(scope, receive, send)
            return
        found = self._buckets.take(person.actor, kind, pace, self._limits.clock())

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["ratelimit-policy"] = f'"{kind}";q={pace.burst};w={math.ceil(pace.burst / pace.rate)}'
                headers["ratelimit"] = f'"{kind}";r={found.left};t={found.full}'
            await send(message)

        if found.taken:
            await self._app(scope, receive, told)
            return
        await _refused(request, f"too many {kind} at once", found)(scope, receive, told)


def _refused(request: Request, why: str, found: Left) -> Response:
    refused = answer(request, TooMany(why, hint=f"ask again in {found.wait} s"), 429)
    refused.headers["retry-after"] = str(found.wait)
    return refused
