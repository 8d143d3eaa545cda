"""What each route of the API says it needs, and how the devices that it is about are found. It asks nobody.

    @router.get("/devices/{ref:path}/facts")
    @needs("device.read", of="devices")
    async def facts(ref: str, rights: Asking) -> DeviceFacts: ...

A route without this is refused to everybody, and `tests/server/rights/test_routes.py` names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, TypeVar, get_args

from fastapi import APIRouter
from fastapi.routing import APIRoute

from guru_policy.kinds.role import VERBS

RouteT = TypeVar("RouteT", bound=Callable[..., object])
Of = Literal["oneself", "organisation", "devices", "place"]
"""
oneself        about who asks; whoever is signed in may
organisation   about all of it; the gate decides, before the body is read
devices        about devices, one or many; the handler asks `Rights.sight(verb)` which
place          about a customer or site that the request names; the handler asks `Rights.require_scope`
"""
_KEY = "guru_need"


class Need(NamedTuple):
    """What a route needs. `verb` is None for what is about oneself; with `others` the handler asks which it is."""

    verb: str | None
    of: Of
    others: tuple[str, ...] = ()

    @property
    def deferred(self) -> bool:
        """Whether the handler has to ask; one that forgets gives no answer."""
        return self.of in ("devices", "place")


def needs(verb: str | None, *others: str, of: Of) -> Callable[[RouteT], RouteT]:
    """Declare it; below the route's decorator. ValueError for a verb that there is not.

    `others` are verbs of which the request's body says that they are meant instead; only a handler can tell.
    """
    wrong = not {*others, *([verb] if verb else [])} <= set(VERBS) or (others and of != "devices")
    if wrong or of not in get_args(Of) or (verb is None) != (of == "oneself"):
        raise ValueError(f"{verb} of {of} is no declaration")

    def declare(endpoint: RouteT) -> RouteT:
        setattr(endpoint, _KEY, Need(verb, of, others))
        return endpoint

    return declare


def need_of(endpoint: object) -> Need | None:
    """What the endpoint declares."""
    found = getattr(endpoint, _KEY, None)
    return found if isinstance(found, Need) else None


class Declared:
    """Every guarded route with its need, in the order in which requests are matched."""

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        self._routes: list[tuple[re.Pattern[str], frozenset[str], Need | None]] = [
            (route.path_regex, frozenset(route.methods or ()), need_of(route.endpoint))
            for router in routers for route in router.routes if isinstance(route, APIRoute)
        ]

    def find(self, method: str, path: str) -> tuple[bool, Need | None]:
        """Whether a route takes this request (path without prefix), and what it declares."""
        for pattern, methods, need in self._routes:
            if method in methods and pattern.fullmatch(path):
                return True, need
        return False, None

    @property
    def silent(self) -> tuple[str, ...]:
        """The routes that declare nothing, as `METHOD pattern`; nobody may use them."""
        return tuple(
            f"{' '.join(sorted(methods))} {pattern.pattern}" for pattern, methods, need in self._routes if need is None
        )
