"""Every route says what it needs, and none tells anything of a customer that its sender may not see."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.types import Message

from guru_server.api.app import PREFIX, Application
from guru_server.api.late import late_router
from guru_server.identity import people
from guru_server.rights.asking import Asking
from guru_server.rights.declaring import Declared, needs
from guru_server.store.database import Database
from guru_wire.operator import EnrolTokenCreated
from tests.server.conftest import Api
from tests.server.door import admitted
from tests.server.reconcile.conftest import ident
from tests.server.rights.conftest import BOLT, ROLES, Office

PUBLIC = {
    "/trust": "what agents pin", "/enrol": "an enrolment token", "/health": "for load balancers",
    "/sign-in": "a password", "/sign-in/refresh": "a refresh token", "/account/invitation": "an invitation",
    "/openapi.json": "this document", "/docs": "the same for people", "/webhooks/{forge}": "the forge's signature",
    "/token": "a trusted issuer's token", "/sign-in/attempts": "the client's key", "/sign-in/exchange": "a code",
    "/sign-in/passkey/ceremony": "an attempt", "/sign-in/passkey/answer": "a passkey",
    "/sign-in/device": "the client's key", "/sign-in/device/exchange": "the client's key",
}
PAGES = {"/auth/passkey": "an attempt", "/auth/sso/start": "an attempt", "/auth/sso/go": "the first page's cookie",
         "/auth/sso/callback": "a provider's answer", "/auth/saml/acs": "a provider's signed answer",
         "/auth/saml/metadata": "our own name and address",
         "/.well-known/oauth-authorization-server": "what anybody may know"}
LINKS = {"/link": "the device's own key", "/link/poll": "the device's own key"}


def routes(app: Application) -> set[tuple[str, str]]:
    """Method and path of everything in the document, without the prefix."""
    paths = app.openapi()["paths"]
    assert isinstance(paths, dict)
    return {(way.upper(), path.removeprefix(PREFIX)) for path, ways in paths.items() for way in ways}  # type: ignore[union-attr]


def routes_of(router: APIRouter) -> list[APIRoute]:
    return [route for route in router.routes if isinstance(route, APIRoute)]


def beside(app: Application) -> set[tuple[str, str]]:
    """Method and whole path of the guarded routes that stand outside of the document."""
    return {(method, one.prefix + route.path) for one in app.beside for route in routes_of(one.router)
            for method in route.methods}


async def test_every_route_of_the_document_declares_its_decision(office: Office) -> None:
    app = office.app
    assert isinstance(app, Application)
    missing = [
        f"{method} {path}" for method, path in sorted(routes(app))
        if path not in PUBLIC and not all(app.declared.find(method, re.sub(r"{[^}]+}", "x", path)))
    ]

    assert missing == [], "put @needs(VERB, of=...) below the route's decorator: see CONTRIBUTING.md"
    assert len(routes(app)) >= 30


async def test_routes_outside_of_the_document_declare_theirs_too(office: Office, api: Api) -> None:
    assert isinstance(office.app, Application)
    described = {PREFIX + path for _, path in routes(office.app)}
    for app in (office.app, api.app):
        assert isinstance(app, Application)
        others = {
            str(getattr(route, "path", "")) for route in app.router.routes
            if getattr(route, "path_format", "") not in described
        } - {""}

        mine = {f"{one.prefix}{route.path}" for one in app.beside for route in routes_of(one.router)}
        silent = [one for other in app.beside for one in Declared([other.router]).silent]

        assert (app.declared.silent, silent) == ((), [])
        assert others <= {*LINKS, *PAGES, *mine, f"{PREFIX}/openapi.json", f"{PREFIX}/docs"}


@pytest.mark.parametrize("kind", ["person", "key"])
async def test_no_route_tells_one_customer_of_another(office: Office, kind: people.Kind) -> None:
    made = await office.http.post("/enrolment-tokens", json={"customer": "bolt", "site": "hq"})
    token = EnrolTokenCreated.model_validate(made.json()).row.id
    revision = (await office.http.get("/status")).json()["attempted_revision"]
    who = f"{'user' if kind == 'person' else 'key'}:insider"
    files = {"org/bindings.yaml": ROLES["org/bindings.yaml"].replace("user:ada", who)}
    await office.push(files, "Bolt gets zulu settings")
    office.http.headers.update(await office.token("insider", kind=kind))
    sent = {
        "/devices/labels": {"selector": f"id={ident(BOLT)}", "set": {"a": "b"}, "max_devices": 9},
        "/enrolment-tokens": {"customer": "bolt", "site": "hq"},
        "/plans": {"revision": revision},
        "/applications": {"base": revision, "target": revision, "outcome": "published", "fleet": "x", "devices": {}},
        "/rollbacks": {"reason": "x"}, "/keys": {"name": "mine"},
    }
    query = {"selector": "@bolt", "verb": "device.read", "device": ident(BOLT), "subject": f"{kind}:eve",
             "path": "agent", "metric": "cpu", "state": ""}
    told = {}
    for method, path in sorted(routes(office.app)):     # type: ignore[arg-type]
        if path in PUBLIC:
            continue
        real = path.replace("{ref}", ident(BOLT)).replace("{token_id}", token).replace("{revision}", revision)
        answer = await office.http.request(
            method, re.sub(r"{[^}]+}", "x", real), json=sent.get(path, {}) if method == "POST" else None,
            params={} if path == "/alerts" else {key: value for key, value in query.items() if value},
        )
        words = answer.text.lower()
        if answer.status_code < 300 and "{" in path and "revision" not in path:
            told[f"{method} {path}"] = "answered about a device or token of another customer"
        echoed = path.startswith("/access/can") or answer.status_code == 404       # what was asked comes back
        if not echoed and any(word in words for word in ("zulu", ident(BOLT), '"bolt', "bolt/", token)):
            told[f"{method} {path}"] = answer.text
        assert answer.status_code != 500, (method, path, answer.text)

    assert told == {}


async def small(db: Database, router: APIRouter) -> httpx.Response:
    """What an admin gets from the one route of a router."""
    async with admitted(db, router) as client:
        return await client.get("/new")


async def test_a_route_that_declares_nothing_is_refused_to_the_admin_too(db: Database) -> None:
    router = late_router()

    @router.get("/new")
    async def new() -> dict[str, str]:
        return {"secret": "told"}

    answer = await small(db, router)

    assert (answer.status_code, "told" in answer.text) == (403, False)


async def test_a_handler_that_forgets_to_ask_gives_no_answer(db: Database) -> None:
    router, mended = late_router(), late_router()

    @router.get("/new")
    @needs("device.read", of="devices")
    async def forgetful() -> dict[str, str]:
        return {"secret": "told"}

    @mended.get("/new")
    @needs("device.read", of="devices")
    async def careful(rights: Asking) -> dict[str, bool]:
        return {"whole": (await rights.sight("device.read")).whole}

    answer = await small(db, router)

    assert (answer.status_code, "told" in answer.text) == (403, False)
    assert (await small(db, mended)).json() == {"whole": True}


async def test_a_websocket_below_the_api_is_closed_before_it_opens(api: Api) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/api/v1/watch", "headers": [], "query_string": b"", "client": ("::1", 5)}
    await api.app(scope, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(("verb", "of"), [("device.raed", "devices"), (None, "devices"), ("device.read", "oneself")])
def test_a_declaration_that_makes_no_sense_fails_at_once(verb: str | None, of: str) -> None:
    with pytest.raises(ValueError, match="no declaration"):
        needs(verb, of=of)      # type: ignore[arg-type]
