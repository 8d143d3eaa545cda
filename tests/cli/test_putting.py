"""`guru cp` to devices and `guru rm`: what is asked for, after the questions that a command on many has."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from tests.cli.conftest import Guru
from tests.cli.double import Double


def asked(double: Double) -> dict[str, object]:
    return next(one.body for one in double.asked if (one.method, one.path) == ("POST", "/jobs"))


def test_a_file_is_put_with_its_digest_and_a_folder_takes_its_name(double: Double, guru: Guru, tmp_path: Path) -> None:
    file = tmp_path / "motd"
    file.write_bytes(b"hello")
    guru("cp", str(file), "web01:/etc/", "--replace", "--mode", "0644")
    body = asked(double)

    assert body["device"] == "web01"
    assert base64.b64decode(str(body["stdin"])) == b"hello"
    assert body["change"] == {"op": "put", "path": "/etc/motd", "sha256": hashlib.sha256(b"hello").hexdigest(),
                              "mode": "644", "replace": True}


def test_a_file_is_removed(double: Double, guru: Guru) -> None:
    guru("rm", "web01:/var/tmp/dump")

    assert asked(double)["change"] == {"op": "remove", "path": "/var/tmp/dump"}


@pytest.mark.parametrize(("words", "code"), [
    (("cp", "FILE", "web01:/etc/motd", "--mode", "4755"), 2), (("cp", "FILE", "-l", "role=web", "web01:/etc/motd"), 2),
    (("cp", "NONE", "web01:/etc/motd"), 10),
    (("cp", "FOLDER", "web01:/etc/motd"), 10), (("cp", "web01:/etc/motd", "FILE", "--mode", "644"), 2),
    (("rm", "-l", "role=web", "/etc/motd"), 2), (("rm", "/etc/motd"), 2),
    (("cp", "FILE", "-l", "role=web", ":/etc/motd", "--yes"), 2), (("rm", "-l", "role=web", ":/etc/motd", "--yes"), 2),
])
def test_what_cannot_be_meant_is_asked_of_no_device(
    words: tuple[str, ...], code: int, double: Double, guru: Guru, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    places = {"FILE": tmp_path / "file", "NONE": tmp_path / "none", "FOLDER": tmp_path}
    result = guru(*(str(places.get(word, word)) for word in words))

    assert result.code == code, result.err
    assert ("POST", "/jobs") not in [(one.method, one.path) for one in double.asked]
