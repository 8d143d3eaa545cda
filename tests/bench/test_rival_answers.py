"""Answers of Salt 3008.4 and ansible-core 2.19.14, as they were printed, and ours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.rival_answers import of_ansible, of_query, of_run, of_salt
from tests.bench.rivals import Question, asked, had

DELTA = '"changed": true,"cmd": ["false"],"delta": "0:00:00.025788","msg": "non-zero return code","rc": 1'
PATIENT = 30.0


@pytest.mark.parametrize(("read", "line", "name"), [
    (of_salt, '{"m2": ""}', "m2"),
    (of_salt, '{"m2": {"kernelrelease": "6.18.44"}}', "m2"),
    (of_salt, '{"m2": "/bin/bash: line 1: True: command not found"}', None),
    (of_salt, '"The salt master could not be contacted. Is master running?"', None),
    (of_salt, "ERROR: Minions returned with non-zero exit code", None),
    (of_ansible, "h7 | CHANGED | rc=0 | (stdout) ", "h7"),
    (of_ansible, 'h2 | SUCCESS => {"ansible_facts": {"ansible_kernel": "6.18.44"},"changed": false}', "h2"),
    (of_ansible, "h1 | FAILED | rc=1 | (stdout) ", None),
    (of_ansible, f"h1 | FAILED! => {{{DELTA}}}", None),
    (of_ansible, "h1 | UNREACHABLE!: Task failed: Failed to connect to the host via ssh", None),
    (of_run, '{"type": "run", "job": "3f2a", "name": "pc1", "state": "succeeded"}', "pc1"),
    (of_run, '{"type": "run", "job": "3f2a", "name": "pc1", "state": "running"}', None),
    (of_run, '{"type": "output", "job": "3f2a", "name": "pc1", "text": "hi"}', None),
    (of_query, '{"device": "pc1", "customer": "acme", "site": "hq", "version": "6.18.44"}', "pc1"),
    (of_query, "", None),
])
def test_a_line_says_who_answered(read: Callable[[str], str | None], line: str, name: str | None) -> None:
    assert read(line) == name


def test_a_command_is_timed_from_its_first_to_its_last_answer() -> None:
    said = "import time; print('{\"a\": \"\"}', flush=True); time.sleep(0.2); print('{\"b\": \"\"}')"
    found = asked(Question([sys.executable, "-c", said], of_salt, {}), {"a", "b"}, (), PATIENT)

    assert found.last - found.first > 0.1
    assert found.cpu > 0


def test_a_command_that_some_did_not_answer_is_no_figure() -> None:
    question = Question([sys.executable, "-c", "print('{\"a\": \"\"}')"], of_salt, {})

    with pytest.raises(RuntimeError, match="1 of 2 answered"):
        asked(question, {"a", "b"}, (), PATIENT)


def test_a_program_that_cannot_be_had_is_told_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "salt").touch()
    found = had("salt", "salt", tmp_path)

    assert found is None
    assert "salt could not be had" in capsys.readouterr().err
