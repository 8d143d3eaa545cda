"""Keys replaced, sealed and opened again: what stays, what others learn of it, and what a kill half way leaves."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import InputInvalid, NotFound, Refused
from guru_server.clock import SetClock
from guru_server.keys import files, keys, opening, rotating
from guru_server.keys.ages import ages
from guru_server.keys.chain import Chain
from guru_server.secrets.opening import Opener
from guru_server.signer.near import near_folder
from guru_wire.signing import Signed, public_bytes
from guru_wire.trusting import follow

NAMES = ["guru.example"]
NOW = SetClock()()
WORD, OTHER = b"p" * 32, b"q" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    keys.make(made, NAMES, NOW)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*")}


def vouch(folder: Path) -> keys.ServerKeys:
    """As the server does at its start."""
    held = keys.load_server(folder, near_folder(folder))
    if not held.vouched():
        held.signer.word(held.trust.link_key, held.trust.ca)
    return keys.load_server(folder, near_folder(folder))


@pytest.mark.parametrize(("name", "changed"), [
    ("state", {"state.key", "trust.json"}), ("command", {"command.key"}), ("link", {"link.key"}),
    ("audit", {"audit.key", "trust.json"}), ("ca", {"ca.key", "ca.crt", "tls.crt"}), ("tls", {"tls.key", "tls.crt"}),
    ("age", {"age.key"}),
])
def test_a_rotation_changes_what_it_says_and_the_server_loads(folder: Path, name: str, changed: set[str]) -> None:
    before = contents(folder)
    rotating.rotate(folder, name, NAMES, NOW, None)
    after = contents(folder)

    assert {one for one in after if after[one] != before.get(one)} == changed
    assert keys.load_server(folder, near_folder(folder)).tls.context


def test_who_pinned_the_first_key_is_led_to_the_newest_of_everything(folder: Path) -> None:
    first = vouch(folder).trust
    for name in ("state", "link", "ca", "state"):
        rotating.rotate(folder, name, NAMES, NOW, None)
    now = vouch(folder).trust
    assert first.word is not None
    assert now.word is not None
    found = follow(first.state_key, 1, now.chain, now.word)

    assert (found.state_key, found.link_key, found.ca, found.serial) == (now.state_key, now.link_key, now.ca, 2)
    assert len(found.left) == 2
    assert first.state_key != now.state_key


def test_a_rotation_that_was_killed_before_its_last_step_is_finished(folder: Path, monkeypatch: object) -> None:
    old = (folder / "state.key").read_bytes()
    rotating.rotate(folder, "state", NAMES, NOW, None)
    new = (folder / "state.key").read_bytes()
    (folder / rotating.NEXT).write_bytes(new)
    (folder / "state.key").write_bytes(old)
    rotating.finish(folder, None)
    assert (folder / "state.key").read_bytes() == new
    (folder / rotating.NEXT).write_bytes(opening.written(Ed25519PrivateKey.generate(), None))
    rotating.finish(folder, None)

    assert (folder / "state.key").read_bytes() == new
    assert not (folder / rotating.NEXT).exists()


def test_audit_keys_of_before_are_remembered(folder: Path) -> None:
    old = opening.edwards(folder / "audit.key", None)
    rotating.rotate(folder, "audit", NAMES, NOW, None)

    assert Chain(folder).told()["audit"] == [base64.b64encode(public_bytes(old)).decode()]


def test_what_was_encrypted_for_the_age_key_before_opens_still(folder: Path) -> None:
    import pyrage

    recipient = Opener(keys.load_age(folder)).recipient
    data = pyrage.encrypt(b"value", [pyrage.x25519.Recipient.from_str(recipient)])
    rotating.rotate(folder, "age", NAMES, NOW, None)
    opener = Opener(keys.load_age(folder))

    assert opener.recipient != recipient
    assert opener.value(data) == b"value"


def test_nothing_is_replaced_while_a_server_or_a_signer_runs(folder: Path) -> None:
    with (
        rotating.nobody_runs(folder.parent, folder),
        pytest.raises(Refused, match="works with the keys"),
        rotating.nobody_runs(folder.parent, folder),
    ):
        raise AssertionError
    with pytest.raises(InputInvalid, match="no key is called"):
        rotating.rotate(folder, "../state", NAMES, NOW, None)
    (folder / "link.key").unlink()
    with pytest.raises(NotFound):
        rotating.rotate(folder, "link", NAMES, NOW, None)


def test_sealed_keys_open_with_their_passphrase_alone(folder: Path) -> None:
    before = keys.load_server(folder, near_folder(folder))
    assert len(rotating.reseal(folder, WORD, WORD)) == 9
    sealed = keys.load_server(folder, before.signer, WORD)
    plain = subprocess.run(
        ["openssl", "pkey", "-in", folder / "link.key", "-passin", f"pass:{WORD.decode()}", "-noout"], check=False
    )

    assert all(opening.is_sealed(path.read_bytes()) for path in folder.glob("*.key"))
    assert plain.returncode == 0
    assert (sealed.ca_pin, sealed.age) == (before.ca_pin, before.age)
    assert public_bytes(sealed.link) == public_bytes(before.link)
    for wrong in (OTHER, None):
        with pytest.raises(InputInvalid):
            opening.edwards(folder / "state.key", wrong)
        with pytest.raises(InputInvalid):
            keys.load_age(folder, wrong)
    rotating.rotate(folder, "state", NAMES, NOW, WORD)
    assert opening.is_sealed((folder / "state.key").read_bytes())
    rotating.reseal(folder, WORD, None)
    assert not any(opening.is_sealed(path.read_bytes()) for path in folder.glob("*.key"))


def test_sealing_keeps_a_key_s_age_and_says_when_it_is_old(folder: Path) -> None:
    os.utime(folder / "state.key", (1_700_000_000, 1_700_000_000))
    rotating.reseal(folder, WORD, WORD)

    assert dict(ages(folder, 1_700_000_000_000 + 1200 * 86_400_000))["state"] == 1200


def test_a_passphrase_is_found_where_systemd_puts_it_and_is_long(tmp_path: Path) -> None:
    (tmp_path / opening.CREDENTIAL).write_bytes(WORD + b"\n")
    (tmp_path / "short").write_bytes(b"hunter2")

    assert opening.passphrase_in(None, tmp_path) == WORD
    assert opening.passphrase_in(None, None) is None
    with pytest.raises(InputInvalid, match="shorter than 32"):
        opening.passphrase_in(tmp_path / "short", None)
    assert files.read(tmp_path / "short")


def test_a_word_of_the_chain_is_as_agents_read_it(folder: Path) -> None:
    vouch(folder)

    assert Signed.model_validate(Chain(folder).told()["word"]).payload
