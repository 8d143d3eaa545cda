"""The application: routers handed in, a token in front of all but the public ones. It knows no subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from pydantic import JsonValue
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from guru_server.api import page, problems
from guru_server.api.aged import Aged, Elders
from guru_server.api.document import mended
from guru_server.api.gate import Gate, Guard, admitted
from guru_server.api.late import served
from guru_server.api.once import Keeping, Once
from guru_server.api.pacing import Limits, Paced, Weights
from guru_server.api.paging import Linked
from guru_server.api.tags import Tags
from guru_server.rights.declaring import Declared
from guru_wire.version import VERSION

PREFIX = "/api/v1"
DOCUMENT = "/openapi.json"
PAGE = "/docs"


class Beside(NamedTuple):
    """Guarded routes of a standard that says where they are; `dress` makes errors of its form of ours."""

    prefix: str
    router: APIRouter
    dress: Callable[[ASGIApp], ASGIApp]


class Application(FastAPI):
    """FastAPI that describes itself as it is."""

    public: Sequence[re.Pattern[str]] = ()
    declared: Declared = Declared(())
    beside: Sequence[Beside] = ()

    def openapi(self) -> dict[str, JsonValue]:
        """OpenAPI 3.1 of this API, made once."""
        if self.openapi_schema is None:
            written = get_openapi(title=self.title, version=self.version, routes=self.routes)
            self.openapi_schema = mended(written, PREFIX, self.public)
        return self.openapi_schema


def make_app(
    guard: Guard,
    *,
    guarded: Sequence[APIRouter],
    public: Sequence[APIRouter],
    links: Sequence[BaseRoute] = (),
    keeping: Keeping | None = None,
    limits: Limits | None = None,
    beside: Sequence[Beside] = (),
) -> FastAPI:
    """The application, to be put behind Edge. `guard` raises for whoever may not; `links` are the agents'.

    What goes around every guarded route, from the outside: the gate, limits, ageing, ETags, pages, keys.
    """
    patterns, declared = _patterns(public), Declared(guarded)
    app = Application(
        title="GuruRMM", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    routes = app.router.routes
    if keeping:
        app.add_middleware(Once, keeping=keeping)
    app.add_middleware(Linked)
    app.add_middleware(Tags)
    app.add_middleware(Aged, elders=Elders((*guarded, *public), PREFIX))
    if limits:
        app.add_middleware(Paced, limits=limits, weights=Weights(guarded, PREFIX))
    app.add_middleware(Gate, guard=guard, prefix=PREFIX, public=patterns, declared=declared)
    for other in beside:
        app.add_middleware(Gate, guard=guard, prefix=other.prefix, public=(), declared=Declared([other.router]))
        app.add_middleware(other.dress)
        routes += served(other.router, other.prefix, [Depends(admitted)])
    for router in public:
        routes += served(router, PREFIX)
    for router in guarded:
        routes += served(router, PREFIX, [Depends(admitted)])
    routes += links
    app.public, app.declared, app.beside = patterns, declared, beside
    app.state.tenant = keeping.tenant if keeping else ""        # for cursors

    @app.get(PREFIX + DOCUMENT, include_in_schema=False)
    async def document() -> Response:
        """OpenAPI 3.1 of this API."""
        return JSONResponse(app.openapi())

    @app.get(PREFIX + PAGE, include_in_schema=False)
    async def human() -> Response:
        """The same for people."""
        return HTMLResponse(page.written(app.openapi()), headers={"content-security-policy": page.POLICY})

    return app


def _patterns(public: Sequence[APIRouter]) -> list[re.Pattern[str]]:
    """The paths, without the prefix, that need no token."""
    routes = (route for router in public for route in router.routes if isinstance(route, APIRoute))
    return [re.compile(re.escape(DOCUMENT)), re.compile(re.escape(PAGE)), *(route.path_regex for route in routes)]
