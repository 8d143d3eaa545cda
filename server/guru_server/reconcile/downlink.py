"""What the gateway hands to devices: signed manifests, and the bytes that they name. Reading only."""

from __future__ import annotations

from sqlalchemy import Connection, select

from guru_server.reconcile.tables import blob, bundle, manifest
from guru_server.secrets.store import sealed_blob
from guru_wire.signing import Signed


def manifest_of(connection: Connection, tenant: str, device: str) -> Signed | None:
    """The device's manifest; None when nothing was ever published for it."""
    query = select(manifest.c.signed).where(manifest.c.tenant == tenant, manifest.c.device == device)
    signed = connection.execute(query).scalar_one_or_none()
    return Signed.model_validate_json(signed) if signed is not None else None


def blob_of(connection: Connection, tenant: str, digest: str) -> bytes | None:
    """The bundle, blob or sealed secrets of this SHA-256. The gateway asks for what a manifest names."""
    for table in (bundle, blob):
        query = select(table.c.data).where(table.c.tenant == tenant, table.c.digest == digest)
        data: bytes | None = connection.execute(query).scalar_one_or_none()
        if data is not None:
            return data
    return sealed_blob(connection, tenant, digest)
