"""A whole server without sockets: wired as `main` does it, asked through ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import fastapi.dependencies.models
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from guru_policy.inventory import Place, Scalar
from guru_server.api.edge import Edge
from guru_server.bus import LocalBus
from guru_server.clock import SetClock
from guru_server.fleet.changing import Newcomer, enrol
from guru_server.identity import people
from guru_server.keys import keys
from guru_server.settings import ServerSettings
from guru_server.signer.near import near_folder
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_server.wiring import Ground, wire_api

HQ = Place("acme", "hq")


@dataclass
class Api:
    """The wired application with its parts; `http` sends the admin's token."""

    app: FastAPI
    db: Database
    bus: LocalBus
    clock: SetClock
    http: httpx.AsyncClient

    async def token(self, role: people.Role, ttl: int | None = None) -> str:
        return await self.db.write(lambda connection: people.create(
            connection, TENANT, "somebody", role, now=self.clock(), ttl=ttl, actor="test"
        ))

    async def device(
        self, name: str, place: Place = HQ, facts: dict[str, Scalar] | None = None
    ) -> str:
        device_id = f"{abs(hash((name, place))):032x}"[-32:]
        one = Newcomer(device_id, name, place, "A" * 43 + "=", facts or {}, "1.0", "t")
        await self.db.write(lambda connection: enrol(connection, TENANT, one, self.clock()))
        return device_id


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    """FastAPI remembers what thousands of endpoints are, and so keeps the application of each: a gigabyte of tests."""
    yield
    for remembered in vars(fastapi.dependencies.models).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()


@pytest.fixture(scope="session")
def server_keys(tmp_path_factory: pytest.TempPathFactory) -> keys.ServerKeys:
    folder = tmp_path_factory.mktemp("server") / "keys"
    keys.make(folder, ["localhost"], SetClock()())
    return keys.load_server(folder, near_folder(folder))


@pytest.fixture
async def api(db: Database, tmp_path: Path, server_keys: keys.ServerKeys) -> AsyncIterator[Api]:
    async with wired(db, tmp_path, server_keys, SetClock()) as made:
        yield made


@asynccontextmanager
async def wired(db: Database, data: Path, held: keys.ServerKeys, clock: SetClock) -> AsyncIterator[Api]:
    """The application with these keys."""
    bus, settings = LocalBus(), ServerSettings(data=data)
    app, _ = wire_api(Ground(settings, db, bus, clock), held, "https://guru.example:8443")
    transport = httpx.ASGITransport(Edge(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://guru.example/api/v1") as http:
        made = Api(app, db, bus, clock, http)
        http.headers["authorization"] = f"Bearer {await made.token('admin')}"
        yield made


@pytest.fixture
def device_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()
