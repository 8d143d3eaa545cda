"""Manifests: only the right key, device, serial and time open one."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import Untrusted
from guru_wire.manifest import Manifest, open_manifest, seal_manifest
from guru_wire.signing import Signed, public_bytes, seal

WEB1, WEB2 = "a" * 32, "b" * 32
KEY = Ed25519PrivateKey.generate()
MANIFEST = Manifest(
    device=WEB1, serial=7, revision="c" * 40, bundle="d" * 64, issued_at=1_000, expires_at=2_000
)


def opened(
    signed: Signed, *, key: Ed25519PrivateKey = KEY, device: str = WEB1, newest: int = 7, now: int = 1_500
) -> Manifest:
    return open_manifest(signed, state_key=public_bytes(key), device=device, newest=newest, now=now)


def test_a_genuine_manifest_opens_as_it_was_sealed() -> None:
    signed = seal_manifest(KEY, MANIFEST)

    assert opened(signed) == MANIFEST


def test_an_altered_manifest_is_refused() -> None:
    signed = seal_manifest(KEY, MANIFEST)
    altered = signed.model_copy(update={"payload": signed.payload.replace('"serial":7', '"serial":9')})

    with pytest.raises(Untrusted, match="does not hold"):
        opened(altered)


def test_another_server_s_manifest_is_refused() -> None:
    with pytest.raises(Untrusted, match="does not hold"):
        opened(seal_manifest(Ed25519PrivateKey.generate(), MANIFEST))


def test_a_signature_for_another_purpose_is_worth_nothing() -> None:
    with pytest.raises(Untrusted, match="does not hold"):
        opened(seal(KEY, "hello", MANIFEST.model_dump_json()))


def test_another_device_s_manifest_is_refused() -> None:
    with pytest.raises(Untrusted, match=f"for device {WEB1}"):
        opened(seal_manifest(KEY, MANIFEST), device=WEB2)


def test_a_replayed_manifest_is_refused() -> None:
    with pytest.raises(Untrusted, match="serial 7 and 8 was seen already"):
        opened(seal_manifest(KEY, MANIFEST), newest=8)


def test_an_expired_manifest_is_refused() -> None:
    with pytest.raises(Untrusted, match="manifest 7 expired"):
        opened(seal_manifest(KEY, MANIFEST), now=2_000)


@pytest.mark.parametrize("signature", ["", "not base64!", "AAAA"])
def test_a_malformed_signature_is_refused(signature: str) -> None:
    signed = seal_manifest(KEY, MANIFEST).model_copy(update={"signature": signature})

    with pytest.raises(Untrusted):
        opened(signed)


def test_a_signed_text_that_is_no_manifest_is_refused() -> None:
    with pytest.raises(Untrusted, match="not readable"):
        opened(seal(KEY, "manifest", "{}"))
