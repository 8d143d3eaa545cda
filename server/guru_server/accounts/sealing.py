"""Small secrets of accounts, sealed so that the database alone gives nothing away (AES-256-GCM)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guru_policy.errors import InputInvalid


class Seal:
    """Made of account.key, by HKDF-SHA256: the key file itself signs and encrypts nothing."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        raw = key.private_bytes_raw()
        self._cipher = AESGCM(_derived(raw, b"guru account secrets v1"))
        self._mac = _derived(raw, b"guru refresh tokens v1")

    def mark(self, text: str) -> str:
        """What nobody without the key can make for this text: HMAC-SHA256 in hex."""
        return hmac.new(self._mac, text.encode(), hashlib.sha256).hexdigest()

    def close(self, text: str, about: str) -> str:
        """The text, sealed for one place: `about` has to be the same to open it."""
        nonce = os.urandom(12)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())).decode()

    def open(self, sealed: str, about: str) -> str:
        """What was sealed; InputInvalid when it was altered, moved, or sealed with another account.key."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(raw[:12], raw[12:], about.encode()).decode()
        except (ValueError, InvalidTag) as cause:
            raise InputInvalid("a second factor cannot be read with this server's account.key",
                               hint="bring the key back from a backup, or `guru-server admin reset NAME`") from cause


def _derived(raw: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=info).derive(raw)
