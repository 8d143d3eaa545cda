"""The server's keys: made once, kept, renewed, and never readable by others."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from guru_policy.errors import InputInvalid, NotFound
from guru_server.clock import SetClock
from guru_server.keys import keys
from guru_server.signer.near import near_folder

NAMES = ["guru.example", "localhost", "127.0.0.1"]
DAY = 86_400_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_making_keys_twice_changes_nothing(folder: Path) -> None:
    made = keys.make(folder, NAMES, SetClock()())
    before = contents(folder)

    assert sorted(made) == [
        "account.key", "age.key", "audit.key", "ca.crt", "ca.key", "command.key", "link.key", "session.key",
        "state.key", "tls.crt", "tls.key"]
    assert keys.make(folder, NAMES, SetClock()()) == []
    assert contents(folder) == before


def test_only_the_owner_can_read_them(folder: Path) -> None:
    keys.make(folder, NAMES, SetClock()())

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_certificate_is_renewed_when_it_ends_soon_and_keeps_its_key(folder: Path) -> None:
    clock = SetClock()
    keys.make(folder, NAMES, clock())
    before = contents(folder)
    clock.forward(300 * DAY)
    assert not keys.renew(folder, NAMES, clock())
    clock.forward(67 * DAY)

    assert keys.renew(folder, NAMES, clock())
    assert {name for name, data in contents(folder).items() if data != before[name]} == {"tls.crt"}
    assert not keys.renew(folder, NAMES, clock())


def test_the_certificate_is_renewed_when_it_lacks_a_name(folder: Path) -> None:
    keys.make(folder, NAMES, SetClock()())

    assert keys.renew(folder, [*NAMES, "other.example"], SetClock()())
    found = x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "other.example" in names.get_values_for_type(x509.DNSName)


def test_the_ca_signs_only_end_certificates(folder: Path) -> None:
    keys.make(folder, NAMES, SetClock()())
    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)

    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)


def test_the_pins_are_those_of_the_trust_document(folder: Path) -> None:
    keys.make(folder, NAMES, SetClock()())
    loaded = keys.load_server(folder, near_folder(folder))
    ca = x509.load_pem_x509_certificate(loaded.trust.ca.encode())

    from guru_policy.bundle import digest_of

    assert loaded.ca_pin == digest_of(ca.public_bytes(serialization.Encoding.DER))
    assert loaded.root_pin == digest_of(loaded.signer.public("state"))


def test_a_missing_key_is_never_made_anew_by_loading(folder: Path) -> None:
    keys.make(folder, NAMES, SetClock()())
    (folder / "state.key").unlink()
    with pytest.raises(NotFound, match=r"state\.key is missing"):
        keys.load_server(folder, near_folder(folder))

    assert not (folder / "state.key").exists()


def test_a_gateway_needs_neither_the_state_key_nor_the_ca(folder: Path) -> None:
    keys.make(folder, NAMES, SetClock()())
    for name in ("state.key", "ca.key", "ca.crt"):
        (folder / name).unlink()

    assert keys.load_gateway(folder).link.public_key()


@pytest.mark.parametrize("name", ["state.key", "tls.crt", "link.key", "audit.key"])
def test_a_damaged_key_is_told_by_its_name(folder: Path, name: str) -> None:
    keys.make(folder, NAMES, SetClock()())
    (folder / name).write_text("not a key")
    with pytest.raises(InputInvalid, match=name):
        keys.load_server(folder, near_folder(folder))
