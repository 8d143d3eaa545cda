"""Routes that are built late: each of them can be, none is before it is asked for, and all is as FastAPI makes it."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Response

from guru_server.api.late import Late, late_router, served
from tests.server.conftest import Api


def built(route: Late) -> bool:
    return "dependant" in vars(route)


def late(app: FastAPI) -> list[Late]:
    return [route for route in app.router.routes if isinstance(route, Late)]


async def test_every_route_of_the_server_can_be_built(api: Api) -> None:
    routes = late(api.app)
    before = [route.path for route in routes if built(route)]

    for route in routes:
        assert route.app is not None, route.path

    assert before == []
    assert len(routes) > 100
    assert all(built(route) for route in routes)


async def test_a_request_builds_the_one_route_that_it_reaches(api: Api) -> None:
    answer = await api.http.get("/devices")

    assert answer.status_code == 200
    assert [route.path for route in late(api.app) if built(route)] == ["/api/v1/devices"]


async def refuse(response: Response) -> None:
    response.headers["x-seen"] = "yes"


async def test_one_is_served_below_a_prefix_and_after_what_guards_it() -> None:
    router, app = late_router(prefix="/things", tags=["things"]), FastAPI()

    @router.post("/{number}", status_code=201)
    async def make(number: int) -> dict[str, int]:
        """Make one."""
        return {"made": number}

    app.router.routes.extend(served(router, "/api", [Depends(refuse)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://guru.example") as client:
        answers = [
            await client.post("/api/things/7"), await client.post("/api/things/x"), await client.get("/api/things/7"),
            await client.post("/things/7"),
        ]

    assert [answer.status_code for answer in answers] == [201, 422, 405, 404]
    assert (answers[0].json(), answers[0].headers["x-seen"]) == ({"made": 7}, "yes")
    assert answers[2].headers["allow"] == "POST"
    assert app.openapi()["paths"]["/api/things/{number}"]["post"]["tags"] == ["things"]


def test_a_router_of_another_kind_is_not_served() -> None:
    router = APIRouter()
    router.add_api_route("/x", refuse)

    with pytest.raises(TypeError, match="late router"):
        served(router, "/api")


def test_a_route_has_nothing_that_fastapi_has_not() -> None:
    with pytest.raises(AttributeError, match="no colour"):
        assert Late("/x", refuse, dependencies=[]).colour
