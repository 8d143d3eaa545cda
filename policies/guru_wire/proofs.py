"""Proof that a request comes from who holds the key that a token is bound to (DPoP, RFC 9449). No clock, no I/O.

A proof is a JWT that the client signs with its Ed25519 key for one request: its method and path, the moment, a
number that is never used again, and the digest of the token that goes with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guru_policy.errors import NotSignedIn

HEADER: Final = "DPoP"
MOST: Final = 2_000                     # characters of a proof
WINDOW: Final = 60_000                  # ms that a proof's moment may be off, either way


def thumbprint(public: bytes) -> str:
    """The key's JWK thumbprint (RFC 7638), SHA-256 in base64url; `public` are the 32 raw bytes of an Ed25519 key."""
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _text(public)}
    return _text(hashlib.sha256(_json(jwk)).digest())


def prove(key: Ed25519PrivateKey, method: str, path: str, *, now: int, number: str, token: str = "") -> str:
    """The proof for one request. `now` is in ms UTC, `number` is random; `token` is what goes with it, if any."""
    from guru_wire.signing import public_bytes

    head = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": _text(public_bytes(key))}}
    said: dict[str, object] = {"htm": method, "htu": path, "iat": now / 1000, "jti": number}
    if token:
        said["ath"] = _digest(token)
    signed = f"{_text(_json(head))}.{_text(_json(said))}"
    return f"{signed}.{_text(key.sign(signed.encode()))}"


class Proof:
    """What a proof says, once its signature held: `number` has to be new, and `key` the token's own."""

    def __init__(self, text: str, method: str, path: str, *, now: int, token: str = "") -> None:
        """NotSignedIn for a proof that is none, or not for this request."""
        try:
            said, public = _opened(text)
            self.number, at = str(said["jti"])[:64], float(said["iat"]) * 1000
            right = said["htm"] == method and said["htu"] == path and said.get("ath", "") == (
                _digest(token) if token else "")
        except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature, RecursionError) as cause:
            raise NotSignedIn("the request does not prove which key it comes from",
                              hint="use a current `guru`; a proxy may have dropped the DPoP header") from cause
        if not right or len(self.number) < 16:
            raise NotSignedIn("the proof of the key is for another request", hint="nothing may alter it on its way")
        if not abs(at - now) <= WINDOW:
            raise NotSignedIn("the proof of the key is from another time", hint="set this machine's clock right")
        self.key = thumbprint(public)


def _opened(text: str) -> tuple[dict[str, Any], bytes]:
    """The claims, and the public key that signed them; ValueError and others for anything else."""
    if len(text) > MOST:
        raise ValueError("too long")
    head_text, said_text, signature = text.split(".")
    head = json.loads(_raw(head_text))
    if head["typ"] != "dpop+jwt" or head["alg"] != "EdDSA" or head["jwk"]["crv"] != "Ed25519":
        raise ValueError("another kind of proof")
    public = _raw(head["jwk"]["x"])
    Ed25519PublicKey.from_public_bytes(public).verify(_raw(signature), f"{head_text}.{said_text}".encode())
    said: dict[str, Any] = json.loads(_raw(said_text))
    return said, public


def _digest(token: str) -> str:
    return _text(hashlib.sha256(token.encode()).digest())


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
