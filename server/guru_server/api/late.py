"""Routes that are built when they are first asked for. A server has hundreds, and a tenant has them all once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.routing import compile_path


class Late(APIRoute):
    """A route of FastAPI that so far knows what it was told, and which requests it is for.

    What it takes and answers is read off its endpoint with the first request, or the first look at a part of it that
    is made of this: a millisecond each. A wrong endpoint is found out then; tests/server/api/test_late.py builds all.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        self._told = told
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.methods = {method.upper() for method in told.get("methods") or ("GET",)}

    def __getattr__(self, name: str) -> Any:
        """Build it, for what only a built one has."""
        if name.startswith("__") or (told := self.__dict__.pop("_told", None)) is None:
            raise AttributeError(f"a route has no {name}")
        super().__init__(self.path, self.endpoint, **told)
        return getattr(self, name)

    def below(self, prefix: str, dependencies: Sequence[Depends]) -> Late:
        """The same under a prefix, after these. Only one that is not built yet."""
        told = {**self._told, "dependencies": [*dependencies, *self._told["dependencies"]]}
        return Late(prefix + self.path, self.endpoint, **told)


def late_router(*, tags: Sequence[str] = (), prefix: str = "", described: bool = True) -> APIRouter:
    """A router whose routes are late ones; those of one that is not `described` are left out of the document."""
    return APIRouter(route_class=Late, tags=list(tags), prefix=prefix, include_in_schema=described)


def served(router: APIRouter, prefix: str, dependencies: Sequence[Depends] = ()) -> list[Late]:
    """Its routes, to be put into an application. TypeError when one is not late."""
    routes = []
    for route in router.routes:
        if not isinstance(route, Late):
            raise TypeError(f"{route} is not of a late router")
        routes.append(route.below(prefix, dependencies))
    return routes
