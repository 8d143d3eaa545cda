"""The whole OpenAPI document against the application: no 500, nothing undocumented, every answer as its schema says.

`GURU_API_EXAMPLES` is how many requests each operation gets; `make fuzz ARGS=api` sets more.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import httpx
import pytest
import schemathesis
from fastapi.responses import JSONResponse, Response
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from guru_server.api.app import Application
from tests.server.reconcile.conftest import ident
from tests.server.rights.conftest import ACME, Office

EXAMPLES = int(os.environ.get("GURU_API_EXAMPLES", "3"))
DEEPER = 20                             # from this many on, each run looks elsewhere
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]
SENT = {"authorization", "content-length", "host", "transfer-encoding", "connection"}
Ask = Callable[[schemathesis.Case], httpx.Response]


def finds(app: Application, ask: Ask, examples: int) -> dict[str, str]:
    """What does not hold, by operation."""
    found: dict[str, str] = {}
    for result in schemathesis.openapi.from_dict(app.openapi()).get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=examples, deadline=None, derandomize=examples < DEEPER, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
        )
        @given(case=operation.as_strategy())
        def conforms(case: schemathesis.Case) -> None:
            case.validate_response(ask(case), checks=CHECKS)

        try:
            conforms()
        except (Failure, FailureGroup) as failure:
            found[f"{operation.method.upper()} {operation.path}"] = _told(failure)
        except BaseExceptionGroup as several:
            found[f"{operation.method.upper()} {operation.path}"] = "\n".join(map(_told, several.exceptions))
    return found


def _told(failure: BaseException) -> str:
    inner = failure.exceptions if isinstance(failure, BaseExceptionGroup) else [failure]
    return "\n".join(f"{type(one).__name__}: {one}"[:1500] for one in inner)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.timeout(300 + 20 * EXAMPLES)
@pytest.mark.parametrize("role", ["admin", "viewer", ""])
async def test_every_answer_is_as_the_document_says(office: Office, role: str) -> None:
    assert isinstance(office.app, Application)
    app, loop = office.app, asyncio.get_running_loop()
    held = await office.token("somebody", role=role) if role else {}

    revision = (await office.http.get("/status")).json()["attempted_revision"]
    asked = 0

    def ask(case: schemathesis.Case) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked % 2:                       # every other question is about something that there is
            there = {"ref": "a" + "0" * 31 if "/alerts" in case.path else ident(ACME), "revision": revision}
            for name in there.keys() & case.path_parameters.keys():
                case.path_parameters[name] = there[name]
        sent = case.as_transport_kwargs(base_url="https://guru.example")
        sent["headers"] = {
            name: value for name, value in dict(sent["headers"]).items() if name.lower() not in SENT
        } | held
        request = httpx.Request(
            sent["method"], sent["url"], params=sent.get("params"), headers=sent["headers"],
            json=sent.get("json"), cookies=sent.get("cookies"),
            **({"data": sent["data"]} if isinstance(sent.get("data"), dict) else {"content": sent.get("data")}),
        )
        return asyncio.run_coroutine_threadsafe(_sent(office.http, request), loop).result(60)

    assert await asyncio.to_thread(finds, app, ask, EXAMPLES if role == "admin" else max(1, EXAMPLES // 3)) == {}


async def test_an_answer_that_is_not_as_documented_is_found() -> None:
    app, loop = Application(title="wrong", version="1"), asyncio.get_running_loop()

    @app.get("/api/v1/wrong", response_model=dict[str, int])
    async def wrong() -> Response:
        return JSONResponse({"a": "text"})

    @app.get("/api/v1/broken")
    async def broken() -> dict[str, int]:
        raise RuntimeError

    @app.get("/api/v1/right")
    async def right() -> dict[str, int]:
        return {"a": 1}

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://guru.example") as http:
        found = await asyncio.to_thread(finds, app, lambda case: asyncio.run_coroutine_threadsafe(
            http.request(case.method, case.formatted_path), loop).result(60), 1)

    assert set(found) == {"GET /api/v1/wrong", "GET /api/v1/broken"}


async def _sent(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    response = await http.send(request)
    await response.aread()
    return response
