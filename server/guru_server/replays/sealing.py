"""Answers at rest: encrypted by the request's own Idempotency-Key, of which the database holds a digest only.

Some answers are secrets that are shown once. HKDF (RFC 5869) over the key gives one AES-256-GCM key an actor.
"""

from __future__ import annotations

import base64
import hashlib
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12                             # bytes; NIST SP 800-38D


def digest_of(key: str) -> str:
    """What the database knows a key by."""
    return hashlib.sha256(b"guru idempotency-key\0" + key.encode()).hexdigest()


def sealed(key: str, actor: str, body: bytes) -> str:
    """The answer for the database, as base64."""
    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + AESGCM(_derived(key, actor)).encrypt(nonce, body, None)).decode()


def opened(key: str, actor: str, text: str) -> bytes:
    """The answer as it was."""
    raw = base64.b64decode(text)
    return AESGCM(_derived(key, actor)).decrypt(raw[:_NONCE], raw[_NONCE:], None)


def _derived(key: str, actor: str) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"guru kept answer\0" + actor.encode())
    return kdf.derive(key.encode())
