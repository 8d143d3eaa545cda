"""An issuer as forges have them: real TLS, real keys that rotate, tokens as their jobs get them."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from guru_server.api.edge import Edge
from guru_server.clock import SetClock
from guru_server.federation.api import EXCHANGE
from guru_server.keys import keys
from guru_server.setting_parts import FederationSettings, GitSettings
from guru_server.settings import ServerSettings
from guru_server.signer.near import near_folder
from guru_server.wiring import Ground, wire_api
from tests.server.reconcile.conftest import World, world
from tests.server.rights.conftest import binding, role

__all__ = ["world"]

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


class Issuer:
    """One issuer; `said` is what its documents say by path, and `asked` how often each was asked for."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.key: RSAKey | ECKey = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self.said: dict[str, Any] = {}
        self.asked: list[str] = []
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(raw).items()}
                self._say(issuer.token_for(form, self.headers.get("authorization", "")))

            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                self._say(issuer.answer(self.path))

            def _say(self, found: object) -> None:
                body = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(200 if found is not None else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self._server.socket = tls.wrap_socket(      # a silent peer holds up its own thread only
            self._server.socket, server_side=True, do_handshake_on_connect=False,
        )
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.publish(self.key)

    def answer(self, path: str) -> object:
        return self.said.get(path)

    def token_for(self, form: dict[str, str], authorization: str) -> object:
        return None

    def publish(self, *published: RSAKey | ECKey) -> None:
        self.said["/.well-known/openid-configuration"] = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}
        self.said["/jwks"] = {"keys": [key.as_dict(private=False) for key in published]}

    def token(self, now: int, key: RSAKey | ECKey | None = None, head: dict[str, Any] | None = None,
              **claims: Any) -> str:
        said = {
            "iss": self.url, "aud": "guru-acme", "sub": "repo:acme/fleet:ref:refs/heads/main",
            "repository": "acme/fleet", "ref": "refs/heads/main", "ref_protected": "true",
            "iat": now // 1000, "nbf": now // 1000, "exp": now // 1000 + 300, **claims,
        }
        used = key or self.key
        headers = {"alg": "RS256" if isinstance(used, RSAKey) else "ES256", "kid": used.kid, **(head or {})}
        return jwt.encode(headers, {name: value for name, value in said.items() if value is not None}, used)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class Ci:
    """The application, the repository that trusts the issuer, and a job that comes to it."""

    def __init__(self, http: httpx.AsyncClient, world: World, issuer: Issuer) -> None:
        self.http, self.world, self.issuer = http, world, issuer

    async def exchange(self, token: str | None = None, **more: str) -> httpx.Response:
        form = {"grant_type": EXCHANGE, "subject_token_type": ID_TOKEN,
                "subject_token": self.issuer.token(self.world.clock()) if token is None else token, **more}
        return await self.http.post("/token", data=form)

    async def ask(self, path: str, token: str) -> httpx.Response:
        return await self.http.get(path, headers={"authorization": f"Bearer {token}"})


def account(issuer: str, name: str = "ci-acme", more: str = "") -> str:
    return (f"apiVersion: guru/v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\nspec:\n{more}  trusts:\n"
            f"    forge:\n      issuer: {issuer}\n      audience: guru-acme\n"
            "      claims: {repository: acme/fleet, ref: [refs/heads/main, refs/heads/next]}\n")


@pytest.fixture(scope="session")
def issuer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("issuer") / "keys"
    keys.make(folder, ["localhost"], int(time.time() * 1000))
    return folder


@pytest.fixture(scope="session")
def issuer_keys(issuer_folder: Path) -> keys.ServerKeys:
    return keys.load_server(issuer_folder, near_folder(issuer_folder))


@pytest.fixture
def issuer(issuer_keys: keys.ServerKeys) -> Iterator[Issuer]:
    made = Issuer(issuer_keys.tls.context)
    yield made
    made.close()


@pytest.fixture
def ca_file(issuer_keys: keys.ServerKeys, tmp_path: Path) -> Path:
    path = tmp_path / "issuer-ca.pem"
    path.write_bytes(issuer_keys.ca)
    return path


@pytest.fixture
async def ci(
    world: World, tmp_path: Path, server_keys: keys.ServerKeys, issuer: Issuer, ca_file: Path
) -> AsyncIterator[Ci]:
    await asyncio.to_thread(world.remote.push, "Trust the forge", {
        "org/ci.yaml": account(issuer.url),
        "org/roles.yaml": role("planner", "    plan: {verbs: [device.read, policy.plan, shell.open]}\n"),
        "org/bindings.yaml": binding("ci", "service:ci-acme", "planner", "customers/acme"),
    })
    await world.sync()
    settings = ServerSettings(data=tmp_path / "api", git=GitSettings(url=world.remote.url),
                              federation=FederationSettings(ca_file=ca_file))
    app, _ = wire_api(Ground(settings, world.db, world.bus, world.clock), server_keys, "https://guru.example:8443")
    transport = httpx.ASGITransport(Edge(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://guru.example/api/v1") as http:
        yield Ci(http, world, issuer)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()
