"""The gateway: where agents' links end. The same inside the server and as a process of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypedDict

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection
from starlette.routing import BaseRoute, Route, WebSocketRoute

from guru_policy.errors import GuruError
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.fleet.holding import Standing, standings_among, standings_since
from guru_server.gateway.chunks import Chunks, NoChunks
from guru_server.gateway.desired import BlobOf, Downlink, ManifestOf
from guru_server.gateway.ingest import Ingest, Pace, Stage
from guru_server.gateway.items import Recorder
from guru_server.gateway.limits import Limits
from guru_server.gateway.links import GOING_AWAY, REVOKED, STANDING, Registry
from guru_server.gateway.orders import Orders, Way
from guru_server.gateway.plain import plain
from guru_server.gateway.polling import Polls
from guru_server.gateway.presence import Presence
from guru_server.gateway.talking import IDENTITY_SINCE, Lacking, Talk
from guru_server.gateway.websocket import Sockets
from guru_server.store.database import Database
from guru_wire.link import MAX_FRAME

log = logging.getLogger("guru.gateway")

_PAUSE = 0.05                           # seconds
_SKEW = 3_600_000                       # ms by which another server's clock may lie behind: few are revoked


class ServerOptions(TypedDict):
    """What uvicorn must be told so that links cost what they should."""

    loop: str
    ws: str
    ws_max_size: int
    ws_per_message_deflate: bool
    ws_ping_interval: float
    ws_ping_timeout: float


def server_options() -> ServerOptions:
    """uvloop (stdlib TLS costs 288 KB a connection), no compression (64 KB), frames bounded early.

    A link that does not answer a ping is cut after 60 s at most.
    """
    return ServerOptions(
        loop="uvloop", ws="websockets-sansio", ws_max_size=MAX_FRAME, ws_per_message_deflate=False,
        ws_ping_interval=30.0, ws_ping_timeout=30.0,
    )


class Gateway:
    """Wired once by `main`: put `gateway_routes()` into the application and let `run()` run beside it."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        *,
        link_key: Ed25519PrivateKey,
        recorders: Mapping[str, Recorder],
        manifest_of: ManifestOf,
        blob_of: BlobOf,
        orders: Way,
        now: Clock,
        stage: Stage = lambda _: None,
        limits: Limits | None = None,
        pace: Pace | None = None,
        trust: int = 0,
        lacking: Lacking = lambda _connection, _tenant, _device: False,
        chunks: Chunks | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.registry = Registry(self.limits.links)
        self._db, self._bus, self._now = db, bus, now
        self._ingest = Ingest(db, bus, recorders, now=now, stage=stage, pace=pace)
        self._downlink = Downlink(
            db, bus, self.registry, manifest_of=manifest_of, blob_of=blob_of, limits=self.limits
        )
        self._presence = Presence(
            db, self.registry, gateway=secrets.token_hex(8), now=now, touch=self.limits.touch
        )
        self._orders = Orders(db, bus, self.registry, way=orders, now=now)
        talk = Talk(
            db, bus, orders=self._orders, ingest=self._ingest, downlink=self._downlink, registry=self.registry,
            presence=self._presence, link_key=link_key, trust=trust, now=now, limits=self.limits,
            lacking=lacking, chunks=chunks or NoChunks(),
        )
        self.sockets = Sockets(talk, now=now, limits=self.limits)
        self.polls = Polls(talk, now=now, limits=self.limits)

    async def run(self) -> None:
        """Store, tell, watch and sweep until cancelled; then store what already came in."""
        try:
            async with asyncio.TaskGroup() as group:
                for work in (
                    self._ingest.run, self._presence.run, self._downlink.watch, self._downlink.sweep,
                    self._cut_revoked, self._sweep_revoked, self.polls.expire,
                    self._orders.watch, self._orders.sweep, self._orders.run,
                ):
                    group.create_task(work(), name=f"gateway {work.__qualname__}")
        except asyncio.CancelledError:
            await self._part()
            raise
        finally:
            await self._presence.write()

    async def _part(self) -> None:
        """Say goodbye to whoever is still linked: nobody looks after links from here on."""
        for link in self.registry.all():
            link.end(GOING_AWAY, "this gateway stops")
        ends = asyncio.get_running_loop().time() + self.limits.close
        while len(self.registry) and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110 - each ends by itself
            await asyncio.sleep(_PAUSE)

    async def _cut_revoked(self) -> None:
        with self._bus.subscribe("revoked") as revoked:
            async for devices in revoked:
                await self._end_revoked(partial(standings_among, tenant=self._db.tenant, devices=sorted(devices)))

    async def _sweep_revoked(self) -> None:
        since = self._now() - _SKEW
        while True:
            await asyncio.sleep(self.limits.sweep)
            started = self._now() - _SKEW
            if await self._end_revoked(partial(standings_since, tenant=self._db.tenant, since=since)):
                since = started

    async def _end_revoked(self, looked_up: Callable[[Connection], dict[str, Standing]]) -> bool:
        try:
            standings = await self._db.read(looked_up)
        except GuruError as error:
            log.warning("revocations could not be read: %s", plain(error.message))
            return False
        for link in self.registry.among(standings):
            stands = standings[link.source.device]
            if stands.revoked:
                log.info("device %s was revoked: its link ends", link.source.device)
                link.end(REVOKED, "this device was revoked")
            elif stands.held != link.held or (stands.rotate and not link.rotate and link.language >= IDENTITY_SINCE):
                log.info("device %s stands differently: its link begins anew", link.source.device)
                link.end(STANDING, "the standing of this device changed")
        return True


def gateway_routes(gateway: Gateway) -> list[BaseRoute]:
    """WS /link and POST /link/poll, for the server's application or a gateway's own."""
    return [
        WebSocketRoute("/link", gateway.sockets),
        Route("/link/poll", gateway.polls, methods=["POST"], include_in_schema=False),
    ]
