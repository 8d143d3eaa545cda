"""A sealed value opens for one device, one name and one fingerprint, and for nobody and nothing else."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.errors import Untrusted
from guru_wire.sealing import (
    Sealed,
    check_sealing_key,
    open_value,
    read_sealed,
    seal_values,
    sealing_key,
    sealing_proof,
    sealing_public,
)
from guru_wire.signing import public_bytes

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def sealed(value: bytes = b"hunter2") -> Sealed:
    return seal_values(sealing_public(KEY), "d1", {"pw": ("f1", value)})


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=4096))
def test_any_value_comes_back_through_its_bytes(value: bytes) -> None:
    blob = sealed(value).to_bytes()

    assert open_value(sealing_key(KEY), "d1", "pw", "f1", read_sealed(blob)) == value
    assert len(value) < 8 or value not in blob


@pytest.mark.parametrize(("device", "name", "fingerprint"), [
    ("d2", "pw", "f1"), ("d1", "psk", "f1"), ("d1", "pw", "f2"), ("d1\npw", "", "f1"),
])
def test_a_value_is_bound_to_device_name_and_fingerprint(device: str, name: str, fingerprint: str) -> None:
    blob = Sealed(values=dict.fromkeys(("pw", "psk", ""), sealed().values["pw"]))

    with pytest.raises(Untrusted, match="does not open"):
        open_value(sealing_key(KEY), device, name, fingerprint, blob)


def test_another_devices_key_opens_nothing() -> None:
    with pytest.raises(Untrusted, match="does not open"):
        open_value(sealing_key(OTHER), "d1", "pw", "f1", sealed())


@pytest.mark.parametrize("position", [0, 31, 32, -1])
def test_one_altered_bit_is_noticed(position: int) -> None:
    data = bytearray(base64.b64decode(sealed().values["pw"]))
    data[position] ^= 1

    with pytest.raises(Untrusted):
        open_value(sealing_key(KEY), "d1", "pw", "f1", Sealed(values={"pw": base64.b64encode(data).decode()}))


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", "=" * 40])
def test_what_is_no_ciphertext_is_refused_and_not_raised(text: str) -> None:
    with pytest.raises(Untrusted):
        open_value(sealing_key(KEY), "d1", "pw", "f1", Sealed(values={"pw": text}))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"values": 3}', b"\xff"])
def test_a_blob_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(Untrusted):
        read_sealed(data)


def test_a_sealing_key_counts_with_the_device_keys_own_word_only() -> None:
    check_sealing_key(sealing_public(KEY), sealing_proof(KEY), public_bytes(KEY))

    for public, proof, device_key in (
        (sealing_public(OTHER), sealing_proof(KEY), KEY), (sealing_public(OTHER), sealing_proof(OTHER), KEY),
        (sealing_public(KEY), "", KEY), ("AAAA", sealing_proof(KEY), KEY), ("é", "é", KEY),
    ):
        with pytest.raises(Untrusted):
            check_sealing_key(public, proof, public_bytes(device_key))


def test_nothing_is_sealed_to_a_point_of_small_order() -> None:
    with pytest.raises(Untrusted, match="nothing can be sealed"):
        seal_values(base64.b64encode(bytes(32)).decode(), "d1", {"pw": ("f", b"x")})


def test_the_sealing_key_stays_what_it_is_and_tells_nothing_of_the_device_key() -> None:
    assert sealing_public(KEY) == sealing_public(Ed25519PrivateKey.from_private_bytes(KEY.private_bytes_raw()))
    assert sealing_key(KEY).private_bytes_raw() != KEY.private_bytes_raw()
