"""Bundles and blobs that no manifest names any more: forgotten after an hour. It decides nothing else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

import orjson
from sqlalchemy import Connection, Table, delete, select

from guru_server.leases import Fence, held
from guru_server.reconcile.tables import blob, bundle, manifest
from guru_server.store.database import Database

log = logging.getLogger("guru.reconcile")

GRACE = 3600.0                          # seconds: who pulled the manifest before may still be fetching
AT_ONCE = 200                           # rows deleted in one transaction, so that links are served between
BREATH = 0.05                           # seconds between two of them

Named = tuple[frozenset[str], frozenset[str]]       # digests of bundles, of blobs


class Leftovers:
    """Remembers since when a digest has been without a manifest; a restart begins to count anew.

    `lock` is the reconciler's: while it is held no manifest comes to name what is being deleted.
    """

    def __init__(
        self,
        db: Database,
        tenant: str,
        lock: asyncio.Lock,
        *,
        grace: float = GRACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self._tenant, self._lock = db, tenant, lock
        self._grace, self._clock = grace, clock
        self._since: dict[tuple[str, str], float] = {}

    async def forget(self, fence: Fence | None) -> int:
        """Delete what nothing has named for the grace; how many. Conflict when `fence` is no longer ours."""
        gone = 0
        while some := await self._some(fence):
            gone += some
            await asyncio.sleep(BREATH)
        if gone:
            log.info("%d bundles and blobs were deleted: no manifest named them for an hour", gone)
        return gone

    async def _some(self, fence: Fence | None) -> int:
        async with self._lock:
            unnamed = await self._db.read(self._unnamed)
            now = self._clock()
            self._since = {one: self._since.get(one, now) for one in unnamed}
            old = [one for one, since in self._since.items() if now - since >= self._grace][:AT_ONCE]
            if old:
                await self._db.write(lambda connection: self._delete(connection, old, fence))
        return len(old)

    def _unnamed(self, connection: Connection) -> list[tuple[str, str]]:
        bundles, blobs = _named(connection, self._tenant)
        return [
            (table.name, digest)
            for table, named in ((bundle, bundles), (blob, blobs))
            for digest in _digests(connection, self._tenant, table)
            if digest not in named
        ]

    def _delete(self, connection: Connection, old: Iterable[tuple[str, str]], fence: Fence | None) -> None:
        if fence is not None:
            held(connection, fence)
        for table in (bundle, blob):
            digests = [digest for name, digest in old if name == table.name]
            here = (table.c.tenant == self._tenant, table.c.digest.in_(digests))
            connection.execute(delete(table).where(*here))


def _named(connection: Connection, tenant: str) -> Named:
    """What the manifests name: those of revoked devices too, which show what they last were."""
    bundles = select(manifest.c.bundle).where(manifest.c.tenant == tenant).distinct()
    lists = select(manifest.c.blobs).where(manifest.c.tenant == tenant).distinct()
    return (
        frozenset(connection.execute(bundles).scalars()),
        frozenset(digest for text in connection.execute(lists).scalars() for digest in orjson.loads(text)),
    )


def _digests(connection: Connection, tenant: str, table: Table) -> Iterable[str]:
    return connection.execute(select(table.c.digest).where(table.c.tenant == tenant)).scalars()
