"""The application: every route has its guard, every error its problem document."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from guru_policy.model import Asked
from guru_server.api.app import Application
from guru_server.api.edge import Edge
from guru_server.api.health import Health, router
from guru_wire.health import Diagnosis
from guru_wire.operator import Problem
from tests.server.conftest import Api

PUBLIC = {
    "/trust", "/enrol", "/health", "/openapi.json", "/sign-in", "/sign-in/refresh", "/account/invitation", "/token",
    "/sign-in/attempts", "/sign-in/exchange", "/sign-in/passkey/ceremony", "/sign-in/passkey/answer", "/sign-in/device",
    "/sign-in/device/exchange",
}


def routes(api: Api) -> set[tuple[str, str]]:
    paths = api.app.openapi()["paths"]
    return {(way.upper(), path.removeprefix("/api/v1")) for path, ways in paths.items() for way in ways}


async def test_every_route_but_the_public_ones_needs_a_token(api: Api) -> None:
    del api.http.headers["authorization"]
    asked = routes(api)
    open_routes = set()
    for method, path in sorted(asked):
        answer = await api.http.request(method, re.sub(r"{[^}]+}", "x", path))
        if answer.status_code != 401:
            open_routes.add(path)

    assert len(asked) >= 14
    assert open_routes <= PUBLIC


async def test_what_bodies_are_made_of_is_built_before_the_first_request(api: Api) -> None:
    bodies = {
        way["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for ways in api.app.openapi()["paths"].values() for way in ways.values()
        if "$ref" in way.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    }

    assert len(bodies) >= 7
    assert bodies <= {model.__name__ for model in Asked.__subclasses__()}


async def test_a_viewer_changes_nothing(api: Api) -> None:
    api.http.headers["authorization"] = f"Bearer {await api.token('viewer')}"
    assert isinstance(api.app, Application)
    guarded = [
        (method, path) for method, path in routes(api) if path not in PUBLIC and method != "GET"
        and (need := api.app.declared.find(method, re.sub(r"{[^}]+}", "x", path))[1]) and need.of != "oneself"
    ]
    codes = {
        (await api.http.request(method, re.sub(r"{[^}]+}", "x", path))).status_code for method, path in guarded
    }

    assert codes == {403}
    assert (await api.http.get("/devices")).status_code == 200


@pytest.mark.parametrize("token", ["", "viewer"])
async def test_nobody_who_may_not_gets_a_body_read(api: Api, token: str) -> None:
    held = f"Bearer {await api.token('viewer')}" if token else ""
    reads = 0
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b"[" * 1000, "more_body": reads < 100}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"authorization", held.encode())]
    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/devices/labels",
        "query_string": b"", "headers": headers, "client": ("192.0.2.7", 5), "scheme": "https",
        "server": ("guru.example", 8443), "http_version": "1.1", "root_path": "",
    }
    await Edge(api.app)(scope, receive, send)

    assert sent[0]["status"] == (403 if token else 401)
    assert reads == 0


async def test_an_operator_cannot_revoke_a_device(api: Api) -> None:
    await api.device("web1")
    api.http.headers["authorization"] = f"Bearer {await api.token('operator')}"

    assert (await api.http.delete("/devices/web1")).status_code == 403
    assert (await api.http.get("/devices/web1")).status_code == 200


async def test_an_error_carries_code_hint_exit_code_and_request_id(api: Api) -> None:
    answer = await api.http.get("/devices/nobody")
    problem = Problem.model_validate(answer.json())

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem.code, problem.exit_code) == (404, "G0404", 5)
    assert problem.hint
    assert problem.request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize("token", ["", "Bearer", "Basic abc", "Bearer gurut_x", f"Bearer {'a' * 5000}"])
async def test_a_token_that_is_none_is_401(api: Api, token: str) -> None:
    answer = await api.http.get("/whoami", headers={"authorization": token})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    answer = await api.http.post("/enrol", content=b"x" * (9 << 20))

    assert answer.status_code == 413


async def test_a_streamed_body_is_cut_at_the_limit(api: Api) -> None:
    async def endless() -> object:
        for _ in range(20):
            yield b"x" * (1 << 20)

    assert (await api.http.post("/enrol", content=endless())).status_code == 413


async def test_a_missing_field_is_named(api: Api) -> None:
    answer = await api.http.post("/enrolment-tokens", json={"customer": "acme"})

    assert (answer.status_code, answer.json()["code"]) == (400, "G0400")
    assert "body.site" in answer.json()["detail"]


async def test_unknown_paths_and_methods_are_problems_too(api: Api) -> None:
    assert (await api.http.get("/nothing")).json()["code"] == "G0404"
    assert (await api.http.put("/whoami")).json()["code"] == "G0002"


async def test_guessing_tokens_is_slowed_down(api: Api) -> None:
    good = api.http.headers["authorization"]
    codes = [
        (await api.http.get("/whoami", headers={"authorization": "Bearer gurut_guess"})).status_code
        for _ in range(25)
    ]

    assert set(codes[:20]) == {401}
    assert codes[-1] == 429
    api.clock.forward(60_000)
    assert (await api.http.get("/whoami", headers={"authorization": good})).status_code == 200


async def test_guesses_never_lock_out_whoever_holds_a_token(api: Api) -> None:
    for _ in range(25):
        await api.http.get("/whoami", headers={"authorization": "Bearer gurut_guess"})

    assert (await api.http.get("/whoami")).status_code == 200


async def test_an_enrolment_has_a_small_body(api: Api) -> None:
    answer = await api.http.post("/enrol", content=b"x" * (300 << 10))

    assert (answer.status_code, answer.json()["detail"]) == (413, "the body is larger than 256 KiB")


async def test_the_document_names_every_route_of_the_api(api: Api) -> None:
    answer = (await api.http.get("/openapi.json")).json()

    assert answer["openapi"].startswith("3.1")
    assert {"/api/v1/devices", "/api/v1/whoami", "/api/v1/enrol", "/api/v1/alerts"} <= set(answer["paths"])


@pytest.mark.parametrize(
    "path",
    [
        "/devices/web1/samples?metric=cpu&since=99999999999999999999&until=99999999999999999999999",
        "/devices/a%00b", "/devices/a%00b/facts", "/devices/a/b/c%00", "/devices/web1/samples?metric=a%00b",
        "/devices?cursor=AAAA", "/devices?selector=a%00b", "/alerts?cursor=1-%00", "/alerts?cursor=%00",
    ],
)
async def test_no_question_makes_the_server_fail(api: Api, path: str) -> None:
    await api.device("web1")

    assert (await api.http.get(path)).status_code in {200, 400, 404}


@pytest.mark.parametrize("name", ["token_id", "token_secret", "public_key", "proof", "name", "agent_version"])
@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\n", "x" * 9000], ids=["nul", "surrogate", "line", "long"])
async def test_no_enrolment_makes_the_server_fail(api: Api, name: str, text: str) -> None:
    fields = dict.fromkeys(["token_id", "token_secret", "public_key", "proof", "name", "agent_version"], "a")
    said = ",".join(f'"{key}":"{text if key == name else value}"' for key, value in fields.items())
    body = f'{{"language":1,{said},"facts":{{"a":1e999,"b":{"9" * 400}}}}}'
    answer = await api.http.post("/enrol", content=body, headers={"content-type": "application/json"})

    assert 400 <= answer.status_code < 500


async def test_a_label_to_remove_is_a_label(api: Api) -> None:
    await api.device("web1")
    change = {"selector": "name=web1", "remove": ["a\nb"]}

    assert (await api.http.post("/devices/labels", json=change)).status_code == 400


async def test_the_doctor_speaks_although_one_probe_finds_nothing(api: Api) -> None:
    async def disk() -> Diagnosis:
        raise FileNotFoundError("gone")

    app = FastAPI()
    app.include_router(router(Health(api.db, [disk])))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://x") as http:
        answer = await http.get("/doctor")

    assert [(line["name"], line["ok"]) for line in answer.json()["lines"]] == [("disk", False)]


async def test_the_document_tells_of_problems_and_tokens_as_they_are(api: Api) -> None:
    answer = (await api.http.get("/openapi.json")).json()
    operations = {
        (path.removeprefix("/api/v1"), way): said
        for path, ways in answer["paths"].items() for way, said in ways.items()
    }
    unguarded = {path for (path, _), said in operations.items() if "security" not in said}

    assert not any("422" in said["responses"] for said in operations.values())
    assert all("application/problem+json" in said["responses"]["default"]["content"] for said in operations.values())
    assert answer["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert unguarded <= PUBLIC
    assert set(re.findall("#/components/schemas/([A-Za-z_]+)", str(answer))) <= set(answer["components"]["schemas"])
