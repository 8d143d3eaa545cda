"""The application: routers handed in, a token in front of all but the public ones. It knows no subject."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import BaseRoute

from guru_server.api import problems
from guru_wire.version import VERSION

PREFIX = "/api/v1"
Guard = Callable[[Request], Awaitable[None]]


def make_app(
    guard: Guard,
    *,
    guarded: Sequence[APIRouter],
    public: Sequence[APIRouter],
    links: Sequence[BaseRoute] = (),
) -> FastAPI:
    """The application, to be put behind Edge. `guard` raises for whoever may not; `links` are the agents'."""
    app = FastAPI(
        title="GuruRMM", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    for router in public:
        app.include_router(router, prefix=PREFIX)
    for router in guarded:
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(guard)])
    app.router.routes.extend(links)

    @app.get(f"{PREFIX}/openapi.json", include_in_schema=False)
    async def document() -> Response:
        """OpenAPI 3.1 of this API."""
        return JSONResponse(app.openapi())

    return app
