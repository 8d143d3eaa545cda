"""A real gateway on a loopback port with a real database, and agents that speak the wire with own keys."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import JsonValue
from sqlalchemy import Connection, insert, update
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from guru_policy.bundle import digest_of
from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.fleet.tables import device, device_state
from guru_server.gateway.app import Gateway, gateway_routes, server_options
from guru_server.gateway.ingest import Pace
from guru_server.gateway.items import Recorder
from guru_server.gateway.limits import Limits
from guru_server.gateway.orders import Way
from guru_server.inventory.recording import recorder, wanted
from guru_server.jobs.delivering import orders_of, waited_for
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_server.telemetry.recording import recorders
from guru_server.transfers.carrying import Carrying
from guru_server.transfers.digesting import Digests
from guru_server.transfers.store import Bounds
from guru_wire.link import hello_bytes
from guru_wire.manifest import Manifest, seal_manifest
from guru_wire.signing import Signed, public_bytes, sign
from guru_wire.version import LANGUAGE

Frame = dict[str, JsonValue]
LITTLE = Limits(refusal=0.0, messages_burst=20, messages_rate=0.01)


@dataclass
class Agent:
    """A device with its key and its spool."""

    id: str
    key: Ed25519PrivateKey
    spool: str = field(default_factory=lambda: secrets.token_hex(16))

    def hello(self, challenge: Frame, **other: JsonValue) -> Frame:
        """The Hello for this challenge; `other` replaces fields before the signature is made."""
        said: Frame = {
            "t": "hello", "language": LANGUAGE, "device": self.id, "nonce": secrets.token_hex(32),
            "spool": self.spool, "agent_version": "0.1.0", "serial": 0, **other,
        }
        payload = hello_bytes(
            device=str(said["device"]), spool=str(said["spool"]),
            server_nonce=str(challenge["nonce"]), agent_nonce=str(said["nonce"]),
        )
        signature = base64.b64encode(sign(self.key, "hello", payload)).decode()
        return {**said, "signature": said.get("signature", signature)}


class Site:
    """The gateway, its database, and what it publishes."""

    def __init__(self, db: Database, limits: Limits, extra: dict[str, Recorder]) -> None:
        self.db, self.bus = db, LocalBus()
        self.link_key, self.state_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.manifests: dict[str, Signed] = {}
        self.blobs: dict[str, bytes] = {}
        self.port = 0
        self.work: asyncio.Task[None] | None = None
        self.gateway = Gateway(
            db, self.bus, link_key=self.link_key, recorders={**recorders(wall), "inventory": recorder(wall), **extra},
            manifest_of=lambda _, __, of: self.manifests.get(of),
            blob_of=lambda _, __, digest: self.blobs.get(digest),
            orders=Way(waited_for, orders_of),
            now=wall, limits=limits, pace=Pace(every=0.01), lacking=wanted,
            chunks=Carrying(db, wall, Digests(db), Bounds(1 << 30, 4 << 30)),
        )

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/link"

    @property
    def poll_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/link/poll"

    async def enrol(self) -> Agent:
        """A new device in the store."""
        agent = Agent(secrets.token_hex(16), Ed25519PrivateKey.generate())

        def store(connection: Connection) -> None:
            connection.execute(insert(device).values(
                tenant=TENANT, id=agent.id, name=agent.id[:8], customer="acme", site="hq",
                public_key=base64.b64encode(public_bytes(agent.key)).decode(), op_labels="{}", facts="{}",
                services="[]", facts_at=None, agent_version="", enrolled_by="t", enrolled_at=wall(),
            ))
            connection.execute(insert(device_state).values(
                tenant=TENANT, device=agent.id, agent_version="", heartbeat=60,
                desired_serial=0, applied_serial=0,
            ))

        await self.db.write(store)
        return agent

    async def publish(self, agent: Agent, bundle: bytes, serial: int = 1) -> str:
        """A signed manifest for the device, its bundle stored, its serial raised, the bus told."""
        digest = digest_of(bundle)
        self.blobs[digest] = bundle
        manifest = Manifest(
            device=agent.id, serial=serial, revision="r", bundle=digest,
            issued_at=wall(), expires_at=wall() + 60_000,
        )
        self.manifests[agent.id] = seal_manifest(self.state_key, manifest)
        change = update(device_state).where(device_state.c.device == agent.id).values(desired_serial=serial)
        await self.db.write(lambda connection: connection.execute(change).rowcount)
        await self.bus.publish("manifest", [agent.id])
        return digest

    async def revoke(self, agent: Agent, *, tell: bool, behind: int = 0) -> None:
        """Revoke the device, by a server whose clock lies `behind` ms behind."""
        change = update(device).where(device.c.id == agent.id).values(revoked_at=wall() - behind)
        await self.db.write(lambda connection: connection.execute(change).rowcount)
        if tell:
            await self.bus.publish("revoked", [agent.id])

    async def dial(self, source: str = "127.0.0.1") -> tuple[ClientConnection, Frame]:
        """A connection from a loopback address, and its challenge."""
        socket = await connect(
            self.socket_url, compression=None, max_size=None, proxy=None, local_addr=(source, 0)
        )
        return socket, await hear(socket)

    async def link(self, agent: Agent, **said: JsonValue) -> tuple[ClientConnection, Frame]:
        """A connection after its handshake, and the Welcome; `said` replaces fields of the Hello."""
        socket, challenge = await self.dial()
        await say(socket, agent.hello(challenge, **said))
        return socket, await hear(socket)


async def say(socket: ClientConnection, message: JsonValue) -> None:
    await socket.send(orjson.dumps(message).decode())


async def hear(socket: ClientConnection) -> Frame:
    async with asyncio.timeout(20):
        frame: Frame = orjson.loads(await socket.recv())
    return frame


async def flooded(socket: ClientConnection, message: JsonValue) -> tuple[int, int]:
    """Ask a hundred times, each time once the answer is there: the code that ends the link, and how many answers came.

    A link within LITTLE is flooded at any pace.
    """
    answers: list[Frame] = []

    async def flood() -> None:
        for _ in range(100):
            await say(socket, message)
            answers.append(await hear(socket))

    with pytest.raises(ConnectionClosed) as closed:
        await flood()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, len(answers)


@pytest.fixture
def limits() -> Limits:
    """Bounds small enough to meet; a test may bring its own."""
    return Limits(
        refusal=0.05, handshake=2.0, poll_idle=2.0, close=0.5, sweep=0.3, serial_sweep=0.5, touch=2.0
    )


@pytest.fixture
def extra_recorders() -> dict[str, Recorder]:
    """Recorders beside telemetry's; a test may bring its own."""
    return {}


@pytest.fixture
async def site(db: Database, limits: Limits, extra_recorders: dict[str, Recorder]) -> AsyncIterator[Site]:
    """A running gateway."""
    site = Site(db, limits, extra_recorders)
    options = {**server_options(), "loop": "asyncio"}
    server = uvicorn.Server(uvicorn.Config(
        Starlette(routes=gateway_routes(site.gateway)), host="127.0.0.1", port=0, log_config=None,
        log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1, **options,
    ))
    running = site.work = asyncio.create_task(site.gateway.run())
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    site.port = server.servers[0].sockets[0].getsockname()[1]
    yield site
    server.should_exit = True
    await serving
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
