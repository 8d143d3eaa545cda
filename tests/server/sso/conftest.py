"""A provider that does what it is told, a browser with cookies, and a terminal that waits for it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from guru_policy.access.rulebook import rulebook_of
from guru_policy.loading import load
from guru_policy.tree import MemoryTree
from guru_server.accounts.attempts import challenge_of
from guru_server.api.edge import Edge
from guru_server.bus import LocalBus
from guru_server.clock import SetClock
from guru_server.keys import keys
from guru_server.rights.store import keep_rulebook
from guru_server.setting_parts import FederationSettings
from guru_server.settings import ServerSettings
from guru_server.sso.claims import at_hash
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_server.wiring import Ground, wire_api
from guru_wire.proofs import prove
from tests.conftest import sqlite_url
from tests.server.federation.conftest import Issuer, ca_file, issuer_folder, issuer_keys
from tests.server.rights.conftest import binding, role

__all__ = ["ca_file", "issuer_folder", "issuer_keys"]

SECRET = "what only the two know"
FLEET = "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: test}\nspec: {}\n"
CUSTOMER = "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\nspec: {}\n"
PEOPLE = """apiVersion: guru/v1
kind: Person
metadata: {name: bo}
spec: {email: Bo@Example.com}
---
apiVersion: guru/v1
kind: Person
metadata: {name: cy}
spec: {email: cy@elsewhere.example}
"""


def provider(issuer: str, name: str = "corp", more: str = "") -> str:
    return (f"apiVersion: guru/v1\nkind: IdentityProvider\nmetadata: {{name: {name}}}\nspec:\n  issuer: {issuer}\n"
            "  clientId: guru\n  domains: [example.com]\n  claims: {tenant: acme}\n"
            f"  groups: {{'rmm desk': helpdesk}}\n{more}")


class Provider(Issuer):
    """It gives a code for whatever `about` says, and checks what a provider has to check."""

    about: dict[str, Any] = {}
    head: dict[str, Any] = {}
    signed_by: Any = None
    codes: dict[str, dict[str, str]] = {}
    now = 0

    def prepare(self, clock: SetClock) -> None:
        self.clock, self.codes, self.head, self.signed_by = clock, {}, {}, None
        self.about = {"sub": "248", "email": "bo@example.com", "email_verified": True, "tenant": "acme",
                      "groups": ["rmm desk", "admin"], "auth_time": clock() // 1000 - 5, "amr": ["pwd", "mfa"]}
        self.said["/.well-known/openid-configuration"] |= {
            "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
            "authorization_response_iss_parameter_supported": True}

    def authorized(self, address: str) -> dict[str, str]:
        """Somebody signs in at `address`: what goes back with the browser."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.url}

    def token_for(self, form: dict[str, str], authorization: str) -> object:
        asked = self.codes.pop(form.get("code", ""), None)
        expected = "Basic " + base64.b64encode(f"guru:{SECRET.replace(' ', '%20')}".encode()).decode()
        good = asked is not None and (form["redirect_uri"], form["grant_type"], authorization) == (
            asked["redirect_uri"], "authorization_code", expected)
        if asked is None or not good or challenge_of(form["code_verifier"]) != asked["code_challenge"]:
            return {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        claims = {"aud": "guru", "nonce": asked["nonce"], "at_hash": at_hash(access, "RS256"), "repository": None,
                  "ref": None, "ref_protected": None, **self.about}
        if self.signed_by == "none":
            return {"access_token": access, "id_token": unsigned(self, claims)}
        return {"access_token": access, "id_token": self.token(self.clock(), self.signed_by, self.head, **claims)}


def unsigned(issuer: Provider, claims: dict[str, Any]) -> str:
    """What a token says, without anybody's signature."""
    head, said, _ = issuer.token(issuer.clock(), **claims).split(".")
    plain = base64.urlsafe_b64encode(b'{"alg":"none","kid":"one"}').decode().rstrip("=")
    assert head != plain
    return f"{plain}.{said}."


class Office:
    """The application, its provider, and one person who signs in from a terminal and with a browser."""

    def __init__(self, http: httpx.AsyncClient, db: Database, idp: Provider, files: dict[str, str]) -> None:
        self.http, self.db, self.idp, self.files = http, db, idp, files
        self.key, self.tokens, self.begun = Ed25519PrivateKey.generate(), dict[str, Any](), dict[str, Any]()
        self.verifier = secrets.token_urlsafe(32)

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        held = str(self.tokens.get("access", ""))
        proof = prove(self.key, method, f"/api/v1{path}", now=self.idp.clock(), number=secrets.token_urlsafe(16),
                      token=held)
        headers = {"DPoP": proof, **({"authorization": f"Bearer {held}"} if held else {})}
        return await self.http.request(method, f"https://guru.example/api/v1{path}", headers=headers, **more)

    async def begin(self, **more: Any) -> httpx.Response:
        self.tokens = {}
        reply = await self.ask("POST", "/sign-in/attempts", json={
            "way": "sso", "challenge": challenge_of(self.verifier), "state": "s" * 30, "port": 40_123, **more})
        self.begun = reply.json()
        return reply

    async def leave(self) -> str:
        """Past the first page: where the provider is."""
        await self.begin()
        page = await self.http.get(f"/auth/sso/start?attempt={self.begun['id']}")
        assert self.begun["check"] in page.text
        away = await self.http.get(f"/auth/sso/go?attempt={self.begun['id']}")
        assert away.status_code == 303, away.text
        return str(away.headers["location"])

    async def come_back(self, words: dict[str, str]) -> httpx.Response:
        return await self.http.get("/auth/sso/callback", params=words)

    async def sign_in(self) -> httpx.Response:
        """All of it; the answer is that of the last step that was gone."""
        back = await self.come_back(self.idp.authorized(await self.leave()))
        return back if back.status_code != 303 else await self.redeem(back)

    async def redeem(self, back: httpx.Response) -> httpx.Response:
        place = urlsplit(back.headers["location"])
        assert (place.scheme, place.netloc) == ("http", "127.0.0.1:40123")
        reply = await self.ask("POST", "/sign-in/exchange", json={
            "attempt": self.begun["id"], "code": parse_qs(place.query)["code"][0], "verifier": self.verifier})
        if reply.status_code == 201:
            self.tokens = reply.json()
        return reply

    async def push(self, files: dict[str, str]) -> None:
        """Bring these files into force, beside those of before."""
        self.files |= files
        fleet = load(MemoryTree({"fleet.yaml": FLEET, **self.files}, secrets.token_hex(20)))
        assert not fleet.faults, fleet.faults
        await self.db.write(lambda connection: keep_rulebook(connection, TENANT, rulebook_of(fleet)))


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: how attempts are kept, tests/server/passkeys proves on both."""
    return sqlite_url(tmp_path / "guru.db")


@pytest.fixture
async def desk(
    db: Database, tmp_path: Path, server_keys: keys.ServerKeys, issuer_keys: keys.ServerKeys, ca_file: Path
) -> AsyncIterator[Office]:
    clock, idp = SetClock(), Provider(issuer_keys.tls.context)
    idp.prepare(clock)
    settings = ServerSettings(data=tmp_path / "api", federation=FederationSettings(
        ca_file=ca_file, secrets={"corp": SecretStr(SECRET)}))
    app, _ = wire_api(Ground(settings, db, LocalBus(), clock), server_keys, "https://guru.example")
    transport = httpx.ASGITransport(Edge(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://guru.example") as http:
        made = Office(http, db, idp, {})
        await made.push({
            "org/provider.yaml": provider(idp.url), "org/people.yaml": PEOPLE,
            "org/roles.yaml": role("look", "    look: {verbs: [device.read]}\n"),
            "org/bindings.yaml": binding("desk", "group:helpdesk", "look", "customers/acme"),
            "customers/acme/customer.yaml": CUSTOMER,
        })
        yield made
    idp.close()
