"""Ed25519 signatures over exact bytes, apart by purpose; it never decides what a valid signature allows.

RFC 8032. A signature for one purpose is worthless for another: the purpose is part of what is signed.
"""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guru_policy.errors import Untrusted
from guru_policy.model import Carried
from guru_wire.purposes import Purpose, key_id, tagged

__all__ = ["Purpose", "Signed", "key_id", "public_bytes", "seal", "sign", "unseal", "verify"]


class Signed(Carried):
    """A payload, as the exact text that was signed, and the signature over it."""

    payload: str
    signature: str                      # base64
    key: str                            # key_id() of the signer


def public_bytes(private: Ed25519PrivateKey) -> bytes:
    """The 32 raw bytes of the public half."""
    return private.public_key().public_bytes_raw()


def sign(private: Ed25519PrivateKey, purpose: Purpose, payload: bytes) -> bytes:
    """64 bytes of signature over `payload` for this one purpose."""
    return private.sign(tagged(purpose, payload))


def verify(public: bytes, purpose: Purpose, payload: bytes, signature: bytes) -> None:
    """Return when the signature holds; raise Untrusted when not, also for a malformed key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, tagged(purpose, payload))
    except (InvalidSignature, ValueError) as cause:
        raise Untrusted(f"the signature of a {purpose} does not hold") from cause


def seal(private: Ed25519PrivateKey, purpose: Purpose, payload: str, key: str = "") -> Signed:
    """The signed object around `payload`. `key` is the key_id() of the public half, when the caller knows it."""
    signature = base64.b64encode(sign(private, purpose, payload.encode())).decode()
    return Signed(payload=payload, signature=signature, key=key or key_id(public_bytes(private)))


def unseal(public: bytes, purpose: Purpose, signed: Signed) -> str:
    """The payload, when `public` signed it for this purpose; Untrusted otherwise."""
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except ValueError as cause:
        raise Untrusted(f"the signature of a {purpose} is not base64") from cause
    verify(public, purpose, signed.payload.encode(), signature)
    return signed.payload
