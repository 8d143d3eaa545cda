"""`guru cat`, `tail` and `ls`: what is in a file arrives whole or not at all, and moves no terminal."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.cli.canned import FILE_JOB, file_read
from tests.cli.conftest import Guru
from tests.cli.double import Double

PROGRESS = f"GET /jobs/{FILE_JOB}/progress"
RAW = bytes(range(256)) * 40


def test_in_a_pipe_a_file_comes_byte_for_byte(guru: Guru, double: Double) -> None:
    double.answers[PROGRESS] = file_read(b"a\tb\r\nc\n\n")

    assert guru("cat", "web01:/etc/hosts").out == "a\tb\r\nc\n\n"
    assert double.requests("POST", "/jobs")[0].body["file"] == {"op": "read", "path": "/etc/hosts", "lines": 0}


def test_a_document_has_its_digest_and_bytes_that_are_no_text_in_base64(guru: Guru, double: Double) -> None:
    double.answers[PROGRESS] = file_read(RAW)
    found = json.loads(guru("cat", "web01:/x", "-o", "json").out)

    assert (found["size"], found["encoding"]) == (len(RAW), "base64")
    assert found["sha256"] == hashlib.sha256(RAW).hexdigest()


def test_on_a_terminal_nothing_of_it_is_obeyed(guru: Guru, double: Double) -> None:
    double.answers[PROGRESS] = file_read(b"a\x1b[31mb\x07\n")
    shown = guru("cat", "web01:/x", columns=80).out

    assert "b" in shown
    assert "\x1b[31m" not in shown
    assert "\x07" not in shown


@pytest.mark.parametrize("run", [{"digest": "0" * 32}, {"out": 999}])
def test_what_arrived_otherwise_is_not_printed(run: dict[str, object], guru: Guru, double: Double) -> None:
    double.answers[PROGRESS] = file_read(b"forged", **run)
    result = guru("cat", "web01:/x")

    assert (result.code != 0, result.out) == (True, "")


def test_the_last_lines_are_asked_for_and_a_folder_is_listed(guru: Guru, double: Double) -> None:
    guru("tail", "-n", "7", "web01:/var/log/x")
    listed = guru("ls", "web01:/etc", "-o", "name")

    assert [one.body["file"] for one in double.requests("POST", "/jobs")] == [
        {"op": "read", "path": "/var/log/x", "lines": 7}, {"op": "list", "path": "/etc", "lines": 0}]
    assert listed.out == "hosts\n"
