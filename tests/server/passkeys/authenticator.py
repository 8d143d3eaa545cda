"""A software authenticator: one ES256 passkey of one site, as a browser would hand its answers over."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Authenticator:
    """`verifies`: whether it checks who its user is. `count` is what it says next; 0 for one that does not count."""

    def __init__(self, origin: str, *, verifies: bool = True) -> None:
        self.origin, self.verifies, self.count = origin, verifies, 1
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.handle = ""

    def make(self, options: str) -> str:
        asked = json.loads(options)
        self.handle = asked["user"]["id"]
        at = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: at.x.to_bytes(32, "big"), -3: at.y.to_bytes(32, "big")})
        data = self._data(asked["rp"]["id"], ATTESTED) + bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        return self._answer({
            "clientDataJSON": bytes_to_base64url(self._client("webauthn.create", asked["challenge"])),
            "attestationObject": bytes_to_base64url(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        })

    def sign(self, options: str) -> str:
        asked = json.loads(options)
        data, client = self._data(asked["rpId"], 0), self._client("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer({
            "clientDataJSON": bytes_to_base64url(client), "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature), "userHandle": self.handle,
        })

    def _data(self, site: str, more: int) -> bytes:
        flags = PRESENT | (VERIFIED if self.verifies else 0) | more
        data = hashlib.sha256(site.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)
        self.count += 1 if self.count else 0
        return data

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        ident = bytes_to_base64url(self.id)
        return json.dumps({"id": ident, "rawId": ident, "type": "public-key", "response": response,
                           "clientExtensionResults": {}})
