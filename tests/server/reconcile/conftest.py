"""A whole reconcile on real parts: a Git remote, a mirror, a database of each kind, devices, a state key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from pyrage import x25519
from sqlalchemy import Connection, select

from guru_server.bus import Bus, LocalBus, Subscription
from guru_server.clock import SetClock
from guru_server.fleet.tables import device, device_state
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.source import Source
from guru_server.gitops.trust import Pinned
from guru_server.gitops.verifying import Verifier
from guru_server.leases import Fence
from guru_server.reconcile.downlink import manifest_of
from guru_server.reconcile.service import Reconciler
from guru_server.reconcile.status import Watched, status
from guru_server.reconcile.tables import manifest
from guru_server.secrets.opening import Opener
from guru_server.signer.near import near
from guru_server.store.database import Database
from guru_wire.manifest import Manifest, open_manifest
from guru_wire.operator import CustomerStatus, Status, SyncRequested
from guru_wire.signing import public_bytes
from tools.lab.remote import Remote

Files = Mapping[str, str | bytes | None]


def policy(name: str, body: str) -> str:
    return f"apiVersion: guru/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n{body}\n"


def motd(name: str, content: str) -> str:
    """A policy with one file resource."""
    return policy(name, f"  resources:\n    motd: {{kind: file, path: /etc/motd, content: {content!r}}}")


def named(kind: str, name: str) -> str:
    return f"apiVersion: guru/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n"


def customer(name: str) -> dict[str, str]:
    return {
        f"customers/{name}/customer.yaml": named("Customer", name),
        f"customers/{name}/base.yaml": motd("base", f"{name} 1"),
        f"customers/{name}/sites/hq/site.yaml": named("Site", "hq"),
    }


SEED = {
    "fleet.yaml": named("Fleet", "fleet"),
    "org/base.yaml": policy("base", "  agent: {heartbeat: 60s}"),
    **customer("acme"),
    **customer("bolt"),
}


class World:
    """Everything of one server, with the few moves that tests make."""

    def __init__(self, remote: Remote, mirror: Mirror, db: Database, bus: Bus | None = None) -> None:
        self.remote, self.mirror, self.db = remote, mirror, db
        self.bus, self.clock, self.key = bus or LocalBus(), SetClock(), Ed25519PrivateKey.generate()
        self.age = SecretStr(str(x25519.Identity.generate()))
        self.stages: list[str] = []
        self.pinned = Pinned()
        self.reconciler = self.another(self.stages.append)
        self.published: Subscription = self.bus.subscribe("manifest")

    def another(self, stage: Callable[[str], None] = lambda _: None) -> Reconciler:
        """A reconciler as a fresh process would have it."""
        return Reconciler(
            self.db, self.bus, self.mirror, verifier=Verifier(self.mirror, self.pinned),
            signer=near(self.key), opener=Opener(self.age), now=self.clock, stage=stage,
        )

    async def push(
        self, message: str, files: Files | None = None, fence: Fence | None = None
    ) -> SyncRequested:
        """Push and bring it into force."""
        await asyncio.to_thread(self.remote.push, message, files)
        return await self.sync(fence)

    async def sync(self, fence: Fence | None = None) -> SyncRequested:
        tip = await self.mirror.fetch()
        return await self.reconciler.reconcile_commit(tip.revision, fence)

    async def enrol(self, *names: str) -> None:
        """Devices by `customer/site/name`; the id is made of the name."""

        def write(connection: Connection) -> None:
            for full in names:
                owner, site, name = full.split("/")
                connection.execute(device.insert().values(
                    tenant=self.db.tenant, id=ident(full), name=name, customer=owner, site=site, public_key="",
                    op_labels="{}", facts="{}", services="[]", agent_version="", enrolled_by="",
                    enrolled_at=0,
                ))
                connection.execute(device_state.insert().values(
                    tenant=self.db.tenant, device=ident(full), agent_version="", heartbeat=60, desired_serial=0,
                    applied_serial=0,
                ))

        await self.db.write(write)

    async def manifest(self, full: str) -> Manifest | None:
        """The device's manifest, checked as an agent would."""
        signed = await self.db.read(lambda connection: manifest_of(connection, self.db.tenant, ident(full)))
        return signed and open_manifest(
            signed, state_key=public_bytes(self.key), device=ident(full), newest=0, now=self.clock()
        )

    async def bundles(self) -> dict[str, tuple[int, str]]:
        """Serial and bundle of every manifest, by device."""
        query = select(manifest.c.device, manifest.c.serial, manifest.c.bundle).where(
            manifest.c.tenant == self.db.tenant)
        rows = await self.db.read(lambda connection: connection.execute(query).all())
        return {row[0]: (row[1], row[2]) for row in rows}

    async def status(self) -> Status:
        watched = Watched("x", "main", None)
        return await self.db.read(lambda connection: status(connection, self.db.tenant, watched, self.clock()))

    async def customer(self, name: str) -> CustomerStatus:
        return next(one for one in (await self.status()).customers if one.customer == name)

    async def waiting(self) -> frozenset[str]:
        """The device ids published since the last look; empty when nothing was."""
        try:
            return await asyncio.wait_for(anext(self.published), 0.05)
        except TimeoutError:
            return frozenset()


def ident(full: str) -> str:
    return full.encode().hex().ljust(32, "0")[:32]


@pytest.fixture
async def world(db: Database, tmp_path: Path) -> World:
    return await new_world(db, tmp_path)


async def new_world(db: Database, tmp_path: Path, bus: Bus | None = None) -> World:
    """A world in this folder, of the handle's tenant."""
    seed = tmp_path / "seed"
    for path, text in SEED.items():
        (seed / path).parent.mkdir(parents=True, exist_ok=True)
        (seed / path).write_text(text)
    remote = Remote(tmp_path / "remote")
    await asyncio.to_thread(remote.create, seed)
    made = World(remote, Mirror(tmp_path / "data", Source(remote.url)), db, bus)
    await made.enrol("acme/hq/web1", "bolt/hq/web1")
    return made
