"""A device's wish for another key: both keys sign for it. It reads the frame and changes nothing."""

from __future__ import annotations

import base64
import binascii

from pydantic import JsonValue, ValidationError

from guru_policy.errors import Untrusted
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
