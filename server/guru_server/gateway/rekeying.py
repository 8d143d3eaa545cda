"""A device changes its key: both keys sign for it, and the old one is worth nothing in the same transaction."""

from __future__ import annotations

import base64
import binascii

from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection

from guru_policy.errors import Untrusted
from guru_server.audit.log import record
from guru_server.fleet.holding import bury, known_key
from guru_server.fleet.tables import device
from guru_server.gateway.frames import Broken
from guru_wire.link import Rekey, rekey_bytes
from guru_wire.sealing import check_sealing_key
from guru_wire.signing import verify


def rekey_of(message: dict[str, JsonValue], device_id: str, old: bytes) -> Rekey:
    """The Rekey in a frame, signed by both keys; Broken when not."""
    try:
        asked = Rekey.model_validate(message)
        new = base64.b64decode(asked.public_key, validate=True)
        proof, consent = (base64.b64decode(one, validate=True) for one in (asked.proof, asked.consent))
        signed = rekey_bytes(device=device_id, old=base64.b64encode(old).decode(), new=asked.public_key)
        verify(old, "rekey", signed, proof)
        verify(new, "rekey", signed, consent)
        check_sealing_key(asked.sealing_key, asked.sealing_proof, new)
    except (ValidationError, binascii.Error, Untrusted) as cause:
        raise Broken("a new key is signed by the old one and by itself") from cause
    if base64.b64encode(new).decode() != asked.public_key:
        raise Broken("a key is 32 bytes in base64")
    return asked


def switch(connection: Connection, tenant: str, device_id: str, old: bytes, asked: Rekey, now: int) -> bool:
    """Put the new key in the place of the old one; False when another was faster or the key is not new."""
    before = base64.b64encode(old).decode()
    if known_key(connection, tenant, asked.public_key):
        return False
    mine = (
        device.c.tenant == tenant, device.c.id == device_id, device.c.public_key == before,
        device.c.revoked_at.is_(None), device.c.held == "",
    )
    bury(connection, tenant, device_id, "rotated", now)
    changed = connection.execute(device.update().where(*mine).values(
        public_key=asked.public_key, sealing_key=asked.sealing_key, key_at=now, rotate_asked=False,
    ))
    if not changed.rowcount:
        raise Broken("the device's key changed meanwhile")
    record(connection, now, f"device:{device_id}", "DeviceKeyRotated", f"device:{device_id}", device=device_id)
    return True
