"""The message by which this device changes its key; both keys sign it. It changes nothing itself."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_wire.link import Rekey, rekey_bytes
from guru_wire.sealing import sealing_proof, sealing_public
from guru_wire.signing import public_bytes, sign


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half, as messages name it."""
    return base64.b64encode(public_bytes(key)).decode()


def rekey(device: str, old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> Rekey:
    """The wish to be known by the new key."""
    signed = rekey_bytes(device=device, old=public_text(old), new=public_text(new))
    return Rekey(
        public_key=public_text(new), proof=base64.b64encode(sign(old, "rekey", signed)).decode(),
        consent=base64.b64encode(sign(new, "rekey", signed)).decode(),
        sealing_key=sealing_public(new), sealing_proof=sealing_proof(new),
    )
