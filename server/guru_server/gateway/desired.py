"""The way down: manifests, blobs in parts, word of new serials. A device gets what its manifest names."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy import Connection

from guru_policy.errors import GuruError
from guru_server.bus import Bus
from guru_server.gateway.devices import serials
from guru_server.gateway.frames import written
from guru_server.gateway.limits import Limits
from guru_server.gateway.links import Link, Registry
from guru_server.gateway.plain import plain
from guru_server.store.database import Database
from guru_wire.link import CHUNK, Chunk, Desired, Fetch
from guru_wire.manifest import Manifest
from guru_wire.signing import Signed

log = logging.getLogger("guru.gateway")

ManifestOf = Callable[[Connection, str, str], Signed | None]            # tenant, device id
BlobOf = Callable[[Connection, str, str], bytes | None]                 # tenant, digest


class Downlink:
    """Answers Pull and Fetch, and tells links of new serials."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        registry: Registry,
        *,
        manifest_of: ManifestOf,
        blob_of: BlobOf,
        limits: Limits,
    ) -> None:
        self._db, self._bus, self._registry, self._limits = db, bus, registry, limits
        self._manifest_of, self._blob_of = manifest_of, blob_of
        self._blobs: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._blob_bytes = 0

    async def pull(self, link: Link) -> bytes:
        """The Desired for this link's device, as a frame; of a held device there is none."""
        if link.held:
            return written(Desired(manifest=None))
        signed = await self._current(link)
        return written(Desired(manifest=signed))

    async def fetch(self, link: Link, fetch: Fetch) -> bytes:
        """The Chunk, as a frame; total -1 for a digest that the device's manifest does not name."""
        if fetch.digest not in link.allowed and not link.held:
            await self._current(link)
        data = await self._blob(link.source.tenant, fetch.digest) if fetch.digest in link.allowed else None
        if data is None or fetch.offset > len(data):
            return written(Chunk(digest=plain(fetch.digest, 64), offset=fetch.offset, total=-1, data=""))
        part = base64.b64encode(data[fetch.offset : fetch.offset + CHUNK]).decode()
        return written(Chunk(digest=fetch.digest, offset=fetch.offset, total=len(data), data=part))

    async def watch(self) -> None:
        """Tell links of new serials as the bus says so, until cancelled."""
        with self._bus.subscribe("manifest") as changed:
            async for devices in changed:
                await self._tell(self._registry.among(devices))

    async def sweep(self) -> None:
        """Tell links of serials that the bus did not, until cancelled."""
        while True:
            await asyncio.sleep(self._limits.serial_sweep)
            await self._tell(self._registry.all())

    async def _tell(self, links: list[Link]) -> None:
        if not links:
            return
        links = [link for link in links if not link.held]
        devices = [link.source.device for link in links]
        try:
            newest = await self._db.read(lambda connection: serials(connection, devices))
        except GuruError as error:
            log.warning("new serials could not be read: %s", plain(error.message))
            return
        for link in links:
            link.changed(newest.get(link.source.device, 0))

    async def _current(self, link: Link) -> Signed | None:
        source = link.source
        signed = await self._db.read(
            lambda connection: self._manifest_of(connection, source.tenant, source.device)
        )
        if signed is None:
            link.allowed = frozenset()
            return None
        manifest = Manifest.model_validate_json(signed.payload)
        link.allowed = frozenset(manifest.named)
        link.pulled = manifest.serial
        link.serial = max(link.serial, manifest.serial)
        return signed

    async def _blob(self, tenant: str, digest: str) -> bytes | None:
        key = (tenant, digest)
        if key in self._blobs:
            self._blobs.move_to_end(key)
            return self._blobs[key]
        data = await self._db.read(lambda connection: self._blob_of(connection, tenant, digest))
        if data is not None and key not in self._blobs and len(data) <= self._limits.blob_cache:
            self._blobs[key] = data
            self._blob_bytes += len(data)
            while self._blob_bytes > self._limits.blob_cache:
                self._blob_bytes -= len(self._blobs.popitem(last=False)[1])
        return data
