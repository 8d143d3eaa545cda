"""The server's identity: made once, told to whoever asks, and the only thing that opens what is encrypted for it."""

from __future__ import annotations

from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr
from pyrage import x25519

from guru_policy.errors import InputInvalid, NotFound, Untrusted
from guru_policy.kinds.secret import Secret
from guru_policy.needing import Opened
from guru_policy.objects.object import Key
from guru_policy.objects.scopes import ORG, Scope
from guru_policy.tree import Entry, git_blob_id
from guru_server.clock import SetClock
from guru_server.keys import keys
from guru_server.secrets.opening import Opener
from guru_server.signer.near import near
from tests.server.conftest import Api

PW = Key("Secret", ORG, "pw")


@pytest.fixture
def opener() -> Opener:
    return Opener(SecretStr(str(x25519.Identity.generate())))


def look(opener: Opener, value: bytes, key: Key = PW, reads: list[str] | None = None, data: bytes = b"") -> Opened:
    """What the opener says of a Secret with this value."""
    data = data or pyrage.encrypt(value, [x25519.Recipient.from_str(opener.recipient)])
    spec = Secret(file="org/pw.age", recipients={"server": opener.recipient})
    entry = Entry(spec.file, "file", len(data), git_blob_id(data))

    def read(entry: Entry) -> bytes:
        (reads if reads is not None else []).append(entry.path)
        return data

    return opener.look(key, spec, entry, read)


def test_a_fingerprint_is_of_whose_secret_it_is_its_value_and_the_servers_key(opener: Opener) -> None:
    same = look(opener, b"a").fingerprint
    others = {
        look(opener, b"b").fingerprint, look(opener, b"a", Key("Secret", ORG, "x")).fingerprint,
        look(opener, b"a", Key("Secret", Scope("customer", "acme"), "pw")).fingerprint,
        look(Opener(SecretStr(str(x25519.Identity.generate()))), b"a").fingerprint,
    }

    assert look(opener, b"a").fingerprint == same
    assert len(others) == 4
    assert same not in others


def test_a_file_is_opened_once_for_its_content(opener: Opener) -> None:
    reads: list[str] = []
    data = pyrage.encrypt(b"a", [x25519.Recipient.from_str(opener.recipient)])

    assert look(opener, b"", reads=reads, data=data) == look(opener, b"", reads=reads, data=data)
    assert len(reads) == 1


@pytest.mark.parametrize("data", [b"junk", b"age-encryption.org/v1\n", pyrage.passphrase.encrypt(b"a", "b")])
def test_what_does_not_open_is_told_and_never_raised_by_a_look(data: bytes, opener: Opener) -> None:
    assert look(opener, b"", data=data).trouble == "its file does not open with this server's key"
    with pytest.raises(Untrusted):
        opener.value(data)


def test_the_key_is_made_for_a_server_that_is_older_than_secrets_and_never_again(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    keys.make(folder, ["localhost"], SetClock()())
    first = (folder / "age.key").read_text()
    assert not keys.complete(folder)
    (folder / "age.key").unlink()

    with pytest.raises(NotFound):
        keys.load_server(folder, near())
    assert keys.complete(folder) == ["age.key"]
    assert (folder / "age.key").read_text() != first
    assert (folder / "age.key").stat().st_mode & 0o777 == 0o600
    assert Opener(keys.load_age(folder)).recipient.startswith("age1")


@pytest.mark.parametrize("text", ["", "AGE-SECRET-KEY-1SHORT", "two\nlines", "# only a comment\n"])
def test_a_damaged_key_file_is_named(text: str, tmp_path: Path) -> None:
    keys.make(tmp_path / "keys", ["localhost"], SetClock()())
    (tmp_path / "keys/age.key").write_text(text)

    with pytest.raises(InputInvalid, match=r"age\.key is damaged"):
        keys.load_server(tmp_path / "keys", near())


def test_nothing_prints_the_key(server_keys: keys.ServerKeys) -> None:
    assert "AGE-SECRET-KEY" not in repr(server_keys)


async def test_the_api_tells_the_recipient_and_doctor_too(api: Api, server_keys: keys.ServerKeys) -> None:
    recipient = Opener(server_keys.age).recipient

    answer = (await api.http.get("/secrets/recipient")).json()
    lines = (await api.http.get("/doctor")).json()["lines"]

    assert answer["recipient"] == recipient
    assert any(recipient in line["message"] for line in lines)


async def test_a_stranger_learns_no_recipient(api: Api) -> None:
    answer = await api.http.get("/secrets/recipient", headers={"authorization": "Bearer gurut_nobody"})

    assert answer.status_code == 401
