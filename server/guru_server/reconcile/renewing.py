"""Manifests past half their life, signed again: same serial, same bundle, new dates. It stores nothing."""

from __future__ import annotations

import orjson
from sqlalchemy import Connection, select

from guru_server.fleet.tables import device
from guru_server.reconcile.issuing import Issuer
from guru_server.reconcile.store import ManifestRow
from guru_server.reconcile.tables import manifest
from guru_wire.manifest import MANIFEST_LIFE_MS, Manifest


def due(connection: Connection, tenant: str, now: int, issuer: Issuer, most: int) -> list[ManifestRow]:
    """At most `most` of them, the oldest first. Those of revoked devices end."""
    query = (
        select(manifest)
        .join(device, (device.c.tenant == manifest.c.tenant) & (device.c.id == manifest.c.device))
        .where(
            manifest.c.tenant == tenant,
            manifest.c.issued_at <= now - MANIFEST_LIFE_MS // 2,
            device.c.revoked_at.is_(None),
        )
        .order_by(manifest.c.issued_at)
        .limit(most)
    )
    return [
        issuer.issue(
            Manifest(
                device=row.device,
                serial=row.serial,
                revision=row.revision,
                bundle=row.bundle,
                blobs=tuple(orjson.loads(row.blobs)),
                issued_at=now,
                expires_at=now + MANIFEST_LIFE_MS,
                sealed=row.sealed,
            ),
            heartbeat=0,
        )
        for row in connection.execute(query)
    ]
