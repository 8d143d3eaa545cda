"""What is kept of sealed secrets, and the keys that they are sealed to. It seals nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from guru_server.fleet.tables import device
from guru_server.reconcile.tables import manifest
from guru_server.secrets.tables import sealed

SLICE = 500                             # ids in one statement
GRACE_MS = 600_000                      # a device that began to fetch what was replaced may end

_SEAL = text(
    "INSERT INTO sealed (tenant, device, digest, made_of, data, at)"
    " VALUES (:tenant, :device, :digest, :made_of, :data, :at) ON CONFLICT DO NOTHING"
)
_FORGET = text(
    "DELETE FROM sealed WHERE tenant = :tenant AND at < :before AND NOT EXISTS (SELECT 1 FROM manifest"
    " WHERE manifest.tenant = sealed.tenant AND manifest.device = sealed.device"
    " AND manifest.sealed = sealed.digest)"
)


class Seal(NamedTuple):
    """A device's blob of sealed secrets. `data` None: it is stored already."""

    digest: str
    made_of: str
    data: bytes | None = None


def sealing_keys(connection: Connection, tenant: str, devices: Collection[str]) -> dict[str, str]:
    """The sealing key of each of these devices that said one."""
    found: dict[str, str] = {}
    for ids in _sliced(devices):
        query = select(device.c.id, device.c.sealing_key).where(
            device.c.tenant == tenant, device.c.id.in_(ids), device.c.sealing_key != ""
        )
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def seals_in_force(connection: Connection, tenant: str, devices: Collection[str]) -> dict[str, Seal]:
    """The blob that each device's newest manifest names."""
    found: dict[str, Seal] = {}
    for ids in _sliced(devices):
        query = (
            select(sealed.c.device, sealed.c.digest, sealed.c.made_of)
            .join(manifest, (manifest.c.tenant == sealed.c.tenant) & (manifest.c.device == sealed.c.device)
                  & (manifest.c.sealed == sealed.c.digest))
            .where(sealed.c.tenant == tenant, sealed.c.device.in_(ids))
        )
        found |= {row[0]: Seal(row[1], row[2]) for row in connection.execute(query)}
    return found


def keep_seals(connection: Connection, tenant: str, seals: Mapping[str, Seal], now: int) -> None:
    """Store the new ones, and forget those that no manifest names any more."""
    rows = [
        {"tenant": tenant, "device": name, "digest": one.digest, "made_of": one.made_of, "data": one.data, "at": now}
        for name, one in sorted(seals.items()) if one.data is not None
    ]
    if rows:
        connection.execute(_SEAL, rows)
    connection.execute(_FORGET, {"tenant": tenant, "before": now - GRACE_MS})


def sealed_blob(connection: Connection, tenant: str, digest: str) -> bytes | None:
    """The blob of this digest."""
    query = select(sealed.c.data).where(sealed.c.tenant == tenant, sealed.c.digest == digest).limit(1)
    data: bytes | None = connection.execute(query).scalar_one_or_none()
    return data


def _sliced(devices: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(devices)
    for start in range(0, len(ordered), SLICE):
        yield ordered[start : start + SLICE]
