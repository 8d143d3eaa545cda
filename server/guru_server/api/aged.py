"""Deprecation, Sunset and Link on every answer of a route that says it will go away. It refuses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_server.rights.ageing import Ageing, ageing_of


class Elders:
    """The routes that will go away."""

    def __init__(self, routers: Iterable[APIRouter], prefix: str) -> None:
        self._prefix = prefix
        self._routes: list[tuple[re.Pattern[str], frozenset[str], Ageing]] = [
            (route.path_regex, frozenset(route.methods or ()), ageing)
            for router in routers for route in router.routes
            if isinstance(route, APIRoute) and (ageing := ageing_of(route.endpoint))
        ]

    def find(self, method: str, path: str) -> Ageing | None:
        """What the route of a request declares."""
        inside = path.removeprefix(self._prefix)
        return next((one for pattern, ways, one in self._routes if method in ways and pattern.fullmatch(inside)), None)


class Aged:
    """The middleware."""

    def __init__(self, app: ASGIApp, *, elders: Elders) -> None:
        self._app, self._elders = app, elders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell with the answer."""
        ageing = self._elders.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if ageing is None:
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ageing.headers.items():
                    headers.append(name, value)
            await send(message)

        await self._app(scope, receive, told)
