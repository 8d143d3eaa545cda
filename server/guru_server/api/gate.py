"""Asks who sends a request before anything of its body is read; it never looks inside one.

A framework reads and parses a body before it asks a route's dependencies, and a stranger could send 64 MiB.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from guru_policy.errors import GuruError, NotSignedIn
from guru_server.api.problems import answer, status_of

Guard = Callable[[Request], Awaitable[None]]
_ADMITTED = "guru.admitted"


class Gate:
    """Goes between the application's error handling and its routes."""

    def __init__(self, app: ASGIApp, *, guard: Guard, prefix: str, public: Sequence[re.Pattern[str]]) -> None:
        self._app, self._guard, self._prefix, self._public = app, guard, prefix, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with what the guard raised."""
        if scope["type"] == "http" and self._guarded(scope["path"]):
            try:
                await self._guard(Request(scope))
            except GuruError as error:
                await answer(Request(scope), error, status_of(error))(scope, receive, send)
                return
            scope[_ADMITTED] = True
        await self._app(scope, receive, send)

    def _guarded(self, path: str) -> bool:
        inside = path.removeprefix(self._prefix)
        return inside != path and not any(pattern.fullmatch(inside) for pattern in self._public)


async def admitted(request: Request) -> None:
    """A dependency of every guarded route: fails closed, should a path ever get past the gate."""
    if not request.scope.get(_ADMITTED):
        raise NotSignedIn("this needs a token", hint="sign in: `guru login`")
