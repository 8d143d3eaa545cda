"""Asks who sends a request before anything of its body is read; it never looks inside one.

A framework reads and parses a body before it asks a route's dependencies, and a stranger could send 64 MiB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guru_policy.errors import GuruError, NotSignedIn, Refused
from guru_server.api.problems import answer, status_of
from guru_server.api.recorded import Recorded
from guru_server.rights.declaring import Declared, Need, need_of

POLICY = 1008                           # RFC 6455, 7.4.1: the message violates the endpoint's policy
_ADMITTED = "guru.admitted"
_MISSING = Need(None, "oneself")        # no route takes the request: the framework says so to whoever is signed in


class Guard(Protocol):
    """Who asks; identity's Door."""

    async def __call__(self, request: Request, need: Need | None) -> None:
        """Raise for whoever may not send this."""

    async def settle(self, request: Request) -> None:
        """Keep what was refused, before the answer goes out."""

    def wanting(self, request: Request) -> bool:
        """Whether it was refused only because nobody else has agreed."""

    async def keep(self, request: Request, body: bytes) -> GuruError:
        """Keep the request until somebody agrees, and what to tell."""


class Gate:
    """Goes between the application's error handling and its routes."""

    def __init__(
        self, app: ASGIApp, *, guard: Guard, prefix: str, public: Sequence[re.Pattern[str]], declared: Declared
    ) -> None:
        self._app, self._guard, self._prefix, self._public = app, guard, prefix, public
        self._declared = declared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with what the guard raised."""
        if scope["type"] == "websocket" and self._guarded(scope["path"]):
            await send({"type": "websocket.close", "code": POLICY})     # none declares a decision yet
            return
        if scope["type"] != "http" or not self._guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        recorded = Recorded(receive)
        request, receive = Request(scope), recorded
        there, need = self._declared.find(scope["method"], scope["path"].removeprefix(self._prefix))
        try:
            await self._guard(request, need if there else _MISSING)
        except GuruError as error:
            error = await self._kept(request, recorded) or error
            await self._guard.settle(request)
            await answer(request, error, status_of(error))(scope, receive, send)
            return
        scope[_ADMITTED] = need
        await self._app(scope, receive, self._settled(request, need, recorded, send))

    async def _kept(self, request: Request, recorded: Recorded) -> GuruError | None:
        """What to tell instead of a refusal; None when it is not kept."""
        if not self._guard.wanting(request):
            return None
        body = await recorded.whole()
        return None if body is None else await self._guard.keep(request, body)

    def _settled(self, request: Request, need: Need | None, receive: Recorded, send: Send) -> Send:
        """Pass an answer on once its decision has been made and what was refused is in the audit log."""
        swallowed = False

        async def settled(message: Message) -> None:
            nonlocal swallowed
            if message["type"] == "http.response.start":
                kept = await self._kept(request, receive) if message["status"] == 403 else None
                await self._guard.settle(request)
                rights = getattr(request.state, "rights", None)
                if kept is not None:
                    swallowed = True
                    await answer(request, kept, status_of(kept))(request.scope, receive, send)
                elif need is not None and need.deferred and message["status"] < 400 and not (rights and rights.asked):
                    swallowed = True
                    error = Refused("nobody decided whether you may see this answer", hint="that is a bug: tell us")
                    await answer(request, error, status_of(error))(request.scope, receive, send)
            if not swallowed:
                await send(message)

        return settled

    def _guarded(self, path: str) -> bool:
        inside = path.removeprefix(self._prefix)
        return inside != path and not any(pattern.fullmatch(inside) for pattern in self._public)


async def admitted(request: Request) -> None:
    """A dependency of every guarded route: fails closed, should a path ever get past the gate or to another route."""
    if _ADMITTED not in request.scope:
        raise NotSignedIn("this needs a token", hint="sign in: `guru login`")
    declared = need_of(request.scope.get("endpoint"))
    if declared is None or declared != request.scope[_ADMITTED]:
        raise Refused("this route does not say what it needs, so nobody may use it", hint="that is a bug: tell us")
