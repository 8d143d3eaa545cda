"""Manifests past half their life, or of a state key of before, signed again: same serial and bundle, new dates.

It stores nothing.
"""

from __future__ import annotations

import orjson
from sqlalchemy import Connection, or_, select

from guru_server.fleet.tables import device
from guru_server.reconcile.tables import manifest
from guru_wire.manifest import MANIFEST_LIFE_MS, Manifest


def due(connection: Connection, tenant: str, now: int, key: str, most: int) -> list[Manifest]:
    """At most `most` of them as they are to be signed by the key of this id. Those of revoked devices end."""
    query = (
        select(manifest)
        .join(device, (device.c.tenant == manifest.c.tenant) & (device.c.id == manifest.c.device))
        .where(
            manifest.c.tenant == tenant,
            or_(
                manifest.c.issued_at <= now - MANIFEST_LIFE_MS // 2,
                manifest.c.signed.not_like(f'%"key":"{key}"}}'),
            ),
            device.c.revoked_at.is_(None),
        )
        .order_by(manifest.c.issued_at)
        .limit(most)
    )
    return [
        Manifest(
            device=row.device,
            serial=row.serial,
            revision=row.revision,
            bundle=row.bundle,
            blobs=tuple(orjson.loads(row.blobs)),
            issued_at=now,
            expires_at=now + MANIFEST_LIFE_MS,
            sealed=row.sealed,
        )
        for row in connection.execute(query)
    ]
