"""The moment in which a device's key becomes another: one transaction, after which the old one is worth nothing."""

from __future__ import annotations

import base64

from sqlalchemy import Connection

from guru_policy.errors import Conflict
from guru_server.audit.log import record
from guru_server.fleet.holding import bury, known_key
from guru_server.fleet.tables import device
from guru_wire.link import Rekey


def switch(connection: Connection, tenant: str, device_id: str, old: bytes, asked: Rekey, now: int) -> None:
    """Put the new key, whose signatures hold, in the place of `old`; Conflict when it cannot be.

    Only a rotation that was asked for is carried out, so a device cannot fill tombstones or the audit log.
    """
    before = base64.b64encode(old).decode()
    if known_key(connection, tenant, asked.public_key):
        raise Conflict("that key was used before")
    mine = (
        device.c.tenant == tenant, device.c.id == device_id, device.c.public_key == before,
        device.c.revoked_at.is_(None), device.c.held == "",
    )
    bury(connection, tenant, device_id, "rotated", now)
    changed = connection.execute(device.update().where(*mine).values(
        public_key=asked.public_key, sealing_key=asked.sealing_key, key_at=now, rotate_asked=False,
    ))
    if not changed.rowcount:
        raise Conflict("the device's key or standing changed meanwhile")
    record(connection, now, f"device:{device_id}", "DeviceKeyRotated", f"device:{device_id}", device=device_id,
           tenant=tenant)
