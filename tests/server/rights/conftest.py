"""One server with two customers, roles from a real Git repository, and tokens of people who may see only one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Connection, select

from guru_server.alerts.tables import alert
from guru_server.api.edge import Edge
from guru_server.audit.tables import audit
from guru_server.fleet.tables import device
from guru_server.identity import people
from guru_server.keys import keys
from guru_server.notify.tables import notification
from guru_server.setting_parts import GitSettings, WebhookSettings
from guru_server.settings import ServerSettings
from guru_server.store.binding import whose
from guru_server.supervising import Job
from guru_server.wiring import Ground, wire_api
from guru_wire.operator import SyncRequested
from tests.server.reconcile.conftest import World, ident, world

__all__ = ["Office", "office", "world"]

ACME, LAB, BOLT = "acme/hq/apc1", "acme/hq/aserver1", "bolt/hq/zulu1"
EVERYTHING = people.Limits()


def hook_of(world: World) -> str:
    """What this world's webhooks are signed with."""
    return f"hook of {world.db.tenant}"


def role(name: str, rules: str) -> str:
    return f"apiVersion: guru/v1\nkind: Role\nmetadata: {{name: {name}}}\nspec:\n  rules:\n{rules}\n"


def binding(name: str, subject: str, held: str, scope: str) -> str:
    return (f"apiVersion: guru/v1\nkind: Binding\nmetadata: {{name: {name}}}\n"
            f"spec: {{subjects: ['{subject}'], role: {held}, scope: {scope}}}\n")


ROLES = {
    "org/roles.yaml": "---\n".join([
        role("all", "    all: {verbs: ['*']}"),
        role("tech", "    look: {verbs: [device.read, alert.read, policy.plan, device.enroll]}\n"
                     "    label: {verbs: [device.label], conditions: {maxDevices: 1}}\n"
                     "    shell: {verbs: [shell.open], conditions: {ticket: true}}\n"
                     "    no-servers: {effect: deny, verbs: [device.label, shell.open], selector: op/role=server}"),
    ]),
    "org/bindings.yaml": "---\n".join([
        binding("ada", "user:ada", "all", "customers/acme"),
        binding("tom", "user:tom", "tech", "customers/acme"),
        binding("ci", "key:ci", "tech", "customers/acme"),
    ]),
}


@dataclass
class Office:
    """The wired application over what the world's reconciler brings into force."""

    app: FastAPI
    world: World
    http: httpx.AsyncClient
    jobs: Mapping[str, Job]

    async def push(self, files: Mapping[str, str | bytes | None], message: str = "Change") -> SyncRequested:
        return await self.world.push(message, files)

    async def token(self, name: str, role: people.Role = "", kind: people.Kind = "person",
                    limits: people.Limits = EVERYTHING, ttl: int | None = None) -> dict[str, str]:
        """Headers of a new token."""
        text = await self.world.db.write(lambda connection: people.create(
            connection, self.world.db.tenant, name, role, now=self.world.clock(), ttl=ttl, actor="test",
            kind=kind, limits=limits,
        ))
        return {"authorization": f"Bearer {text}"}

    async def labels(self, full: str, **labels: str) -> None:
        change = device.update().where(device.c.id == ident(full)).values(op_labels=json.dumps(labels))
        await self.world.db.write(lambda connection: connection.execute(change).close())

    async def audited(self, action: str) -> list[tuple[str, str, str]]:
        query = select(audit.c.actor, audit.c.object, audit.c.result).where(audit.c.action == action)
        rows = await self.world.db.read(lambda connection: connection.execute(query.order_by(audit.c.seq)).all())
        return [(row[0], row[1], row[2]) for row in rows]


@pytest.fixture
async def office(world: World, tmp_path: Path, server_keys: keys.ServerKeys) -> AsyncIterator[Office]:
    """Devices of acme and bolt, an alert and a note of each, and the roles in force."""
    async with opened(world, tmp_path, server_keys) as made:
        yield made


@asynccontextmanager
async def opened(world: World, tmp_path: Path, server_keys: keys.ServerKeys) -> AsyncIterator[Office]:
    """The office over this world."""
    await world.enrol(ACME, LAB, BOLT)
    await asyncio.to_thread(world.remote.push, "Roles", ROLES)
    await world.sync()
    await world.db.write(_alerts)
    hooks = WebhookSettings(github=SecretStr(hook_of(world)))
    settings = ServerSettings(data=tmp_path / "api", git=GitSettings(url=world.remote.url), webhooks=hooks)
    app, jobs = wire_api(Ground(settings, world.db, world.bus, world.clock), server_keys, "https://guru.example:8443")
    transport = httpx.ASGITransport(Edge(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://guru.example/api/v1") as http:
        made = Office(app, world, http, jobs)
        await made.labels(LAB, role="server")
        http.headers.update(await made.token("root", "admin"))
        yield made


def _alerts(connection: Connection) -> None:
    for number, full in enumerate((ACME, LAB, BOLT)):
        customer, site, name = full.split("/")
        connection.execute(alert.insert().values(
            tenant=whose(connection), id=f"a{number:031x}", rule="org/disk", customer=customer, site=site,
            device=ident(full),
            device_name=name, check_id="disk", check_state="critical", severity="critical", reason="",
            summary=f"{name} is full", state="firing", started_at=10 + number, fired_at=20,
        ))
        connection.execute(notification.insert().values(
            tenant=whose(connection), id=f"n{number:031x}", alert=f"a{number:031x}", customer=customer, channel="noc",
            event="firing", payload="{}", attempts=0, created_at=20, next_try_at=20, error="",
        ))
