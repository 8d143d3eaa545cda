"""Secrets' values sealed to one device: HPKE (RFC 9180), single shot, each value bound to what it is for. No I/O.

A value opens with the device's sealing key only, and only as this secret of this device with this fingerprint:
device, name and fingerprint are the `info` of the key schedule. Who opens learns nothing of who sealed: that the
server did is said by the signed manifest, which names the blob by its digest.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, ValidationError

from guru_policy.errors import Untrusted
from guru_policy.model import Carried
from guru_wire.signing import sign, verify

MOST_SEALED = 8 << 20                   # bytes of one device's blob
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class Sealed(Carried):
    """The blob that a manifest's `sealed` names: what one device alone can open."""

    values: dict[str, str] = Field(max_length=1000)      # by name: base64 of HPKE's encapsulated key and ciphertext

    def to_bytes(self) -> bytes:
        """Sorted keys, no spaces, UTF-8."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


def sealing_key(device_key: Ed25519PrivateKey) -> X25519PrivateKey:
    """The device's sealing key: derived by HKDF (RFC 5869) from the seed of its device key, under a purpose of its own.

    One key signs, another opens; both are as secret as the one file on the device's disk, and end together.
    """
    derived = HKDF(SHA256(), 32, salt=None, info=b"guru/v1/sealing").derive(device_key.private_bytes_raw())
    return X25519PrivateKey.from_private_bytes(derived)


def sealing_public(device_key: Ed25519PrivateKey) -> str:
    """The public half, base64 of 32 raw bytes."""
    return base64.b64encode(sealing_key(device_key).public_key().public_bytes_raw()).decode()


def sealing_proof(device_key: Ed25519PrivateKey) -> str:
    """The device key's signature, purpose `sealing`, over the public half; base64."""
    return base64.b64encode(sign(device_key, "sealing", sealing_public(device_key).encode())).decode()


def check_sealing_key(public: str, proof: str, device_key: bytes) -> None:
    """Return when `public` is an X25519 key that the device key signed for; Untrusted when not."""
    try:
        raw, signature = base64.b64decode(public, validate=True), base64.b64decode(proof, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise Untrusted("a sealing key is not base64") from cause
    if len(raw) != 32 or base64.b64encode(raw).decode() != public:
        raise Untrusted("a sealing key has 32 bytes")
    verify(device_key, "sealing", public.encode(), signature)


def seal_values(public: str, device: str, values: Mapping[str, tuple[str, bytes]]) -> Sealed:
    """The values, by name with their fingerprints, for the device whose sealing key this is.

    Untrusted for a key that nothing can be sealed to, as a point of small order.
    """
    try:
        key = X25519PublicKey.from_public_bytes(base64.b64decode(public))
        return Sealed(values={
            name: base64.b64encode(_SUITE.encrypt(value, key, info=_info(device, name, fingerprint))).decode()
            for name, (fingerprint, value) in sorted(values.items())
        })
    except ValueError as cause:
        raise Untrusted(f"nothing can be sealed to the key of device {device[:32]}") from cause


def open_value(private: X25519PrivateKey, device: str, name: str, fingerprint: str, sealed: Sealed) -> bytes:
    """The value of this secret; Untrusted when it is not for this device, name and fingerprint, or was altered."""
    try:
        data = base64.b64decode(sealed.values[name], validate=True)
        return _SUITE.decrypt(data, private, info=_info(device, name, fingerprint))
    except KeyError as cause:
        raise Untrusted(f"the secret {name[:63]} is not among the sealed ones") from cause
    except (InvalidTag, ValueError) as cause:
        raise Untrusted(
            f"the sealed secret {name[:63]} does not open: it is for another device or value, or was altered"
        ) from cause


def read_sealed(data: bytes) -> Sealed:
    """The blob; Untrusted when it is none."""
    try:
        return Sealed.model_validate_json(data)
    except ValidationError as cause:
        raise Untrusted("the blob of sealed secrets is not readable") from cause


def _info(device: str, name: str, fingerprint: str) -> bytes:
    return f"guru/v1/secret\n{device}\n{name}\n{fingerprint}".encode()
