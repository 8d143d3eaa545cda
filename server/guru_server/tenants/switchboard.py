"""Leads a request to the door that its address names: /t/NAME/... is that tenant's, everything else the first one's.

The address only chooses at which door somebody knocks. Whether it opens is decided there, by a credential that only
that tenant's own keys and rows know; nothing that anybody sends makes one tenant's application ask another's data.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from guru_server.tenants.naming import work_of

PREFIX = "/t/"
BASE = "guru.base"                      # in a scope: what stood before the path
POLICY = 1008                           # RFC 6455, 7.4.1


class Switchboard:
    """The outermost application. `doors` may change while it serves."""

    def __init__(self, first: ASGIApp) -> None:
        self._first = first
        self.doors: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, with the address as that application knows it."""
        path = str(scope.get("path", ""))
        if not path.startswith(PREFIX):
            await self._first(scope, receive, send)
            return
        name, slash, inside = path.removeprefix(PREFIX).partition("/")
        app = self.doors.get(name)
        if app is None:                 # a name that nobody has and one that is suspended look alike
            await self._first(scope, receive, send)
            return
        with work_of(name):
            await app({
                **scope, "path": slash + inside, "raw_path": quote(slash + inside).encode(), BASE: PREFIX + name,
            }, receive, send)


def door_of(url: str, name: str) -> str:
    """The address of a tenant's door at a server."""
    return url.rstrip("/") + PREFIX + name
