"""`guru run` and `guru job`: exit codes that do not lie, groups, and words of devices that reach no terminal."""

from __future__ import annotations

import base64
import json
import os
import queue
import signal
import subprocess
from typing import Any

import pytest

from guru_wire.jobs import OutputRow
from gurucli.answers_jobs import JobRow, RunRow
from gurucli.environment import Environment
from gurucli.following import Voice, safe
from gurucli.job_page import grouped
from gurucli.job_verdict import verdict
from tests.cli import canned
from tests.cli.conftest import GURU, Guru
from tests.cli.double import Asked, Double, Reply


def job(**counts: int) -> JobRow:
    row: Any = canned.job_row(counts=counts, total=sum(counts.values())).model_dump()
    return row


def run(**fields: Any) -> RunRow:
    row: Any = canned.run_row(**{"reason": "", **fields}).model_dump()
    return row


@pytest.mark.parametrize(("counts", "code"), [
    ({"succeeded": 3}, None), ({"succeeded": 2, "failed": 1}, 6), ({"failed": 3}, 1), ({"timed_out": 2}, 7),
    ({"expired": 2}, 7), ({"expired": 1, "failed": 1}, 1), ({"queued": 2}, 6), ({"succeeded": 1, "queued": 1}, 6),
    ({"lost": 1, "succeeded": 1}, 6), ({"lost": 2}, 1), ({"cancelled": 2}, 1),
])
def test_how_a_job_went_is_an_exit_code(counts: dict[str, int], code: int | None) -> None:
    error = verdict(job(**counts), [run(), run()], silent=False)

    assert (error.exit_code if error else None) == code


def test_silence_is_a_deadline_and_never_a_success() -> None:
    error = verdict(job(running=1), [run(state="running")], silent=True)

    assert error is not None
    assert error.exit_code == 7
    assert "goes on" in error.hint


def test_one_device_tells_its_own_exit_code(guru: Guru, double: Double) -> None:
    failed = canned.run_row(state="failed", exit_code=42, reason="")
    row = canned.job_row(total=1, counts={"failed": 1})
    double.answers["POST /jobs"] = {"job": row.model_dump(), "next": 1}
    double.answers[f"GET /jobs/{canned.JOB}/progress"] = canned.progress(job=row, runs=(failed,))
    people, programs = guru("run", "web01", "exit 42"), guru("run", "web01", "exit 42", "-o", "json")

    assert (people.code, people.out) == (1, "up\n")
    assert "exit code 42" in people.err
    assert json.loads(programs.out)["runs"][0]["exit_code"] == 42


@pytest.mark.parametrize(("printed", "hint"), [(0, "guru job show"), (12, "guru job output")])
def test_the_hint_is_at_output_only_where_there_is_some(printed: int, hint: str) -> None:
    error = verdict(job(failed=1), [run(state="failed", out=0, err=printed)], silent=False)

    assert error is not None
    assert error.hint.startswith(hint)


def test_a_job_that_was_over_says_so_when_it_is_cancelled(guru: Guru, double: Double) -> None:
    double.answers[f"POST /jobs/{canned.JOB}/cancel"] = {"job": canned.JOB, "cancelled": 0, "ending": 0}

    assert "it was over already" in guru("job", "cancel", canned.JOB, columns=80).out


def test_a_list_of_jobs_that_was_wanted_short_does_not_say_so(guru: Guru, double: Double) -> None:
    double.answers["GET /jobs"] = {"items": [canned.job_row().model_dump()], "total": 99, "next": None}

    assert guru("job", "list", "--limit", "1", "-o", "name").err == ""
    assert "1 of 99 jobs" in guru("job", "list", "-o", "name").err


def test_who_interrupts_is_told_that_the_job_goes_on(
    environment: Environment, double: Double,
) -> None:
    row = canned.job_row(total=1, counts={"running": 1})
    double.answers["POST /jobs"] = {"job": row.model_dump(), "next": 1}
    asked: queue.Queue[bool] = queue.Queue()

    def never(_: Asked) -> Reply:
        asked.put(True)
        return canned.progress(job=row, runs=(), done=False)

    double.answers[f"GET /jobs/{canned.JOB}/progress"] = never
    command = subprocess.Popen([GURU, "run", "web01", "sleep 9"], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={"HOME": str(environment.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
    asked.get(timeout=30)
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=30)

    assert command.returncode == 130
    assert f"`guru job cancel {canned.JOB[:8]}` ends it" in said.decode()


def test_devices_that_said_the_same_are_one_group() -> None:
    runs = [run(name="a"), run(name="b"), run(name="c", digest="other"), run(name="d", state="failed", exit_code=1)]

    assert [[one["name"] for one in group] for group in grouped(runs)] == [["a", "b"], ["c"], ["d"]]


def test_letters_that_come_in_two_pieces_are_whole_and_lines_too() -> None:
    voice, data = Voice(), "grün\nweiß".encode()
    lines = voice.take(data[:3]) + voice.take(data[3:6]) + voice.take(data[6:]) + voice.take(b"\xff", final=True)

    assert lines == ["grün", "weiß\N{REPLACEMENT CHARACTER}"]


def test_a_line_of_a_device_has_nothing_that_a_terminal_obeys() -> None:
    assert safe("a\tb\x1b[2J\x1b]0;x\x07\u202e\r") == "a       b"
    assert safe("a\tb\x9b2J", tabs=True) == "a\tb"


def test_a_carriage_return_overwrites_nothing(guru: Guru, double: Double) -> None:
    data = base64.b64encode(b"evil\rgood\n\x1b[1A\x1b[2K").decode()
    row = canned.job_row(total=1, counts={"succeeded": 1})
    double.answers["POST /jobs"] = {"job": row.model_dump(), "next": 1}
    double.answers[f"GET /jobs/{canned.JOB}/progress"] = canned.progress(
        job=row, runs=(canned.run_row(),),
        output=(OutputRow(device=canned.ID, name="web01", stream="out", offset=0, data=data),))

    assert guru("run", "web01", "x", columns=80).out == "evil good\n\n"


def test_what_is_sent_is_what_was_written(guru: Guru, double: Double) -> None:
    guru("run", "web01", "--", "systemctl", "restart", "a b")
    guru("run", "web01", "--timeout", "5m", "--expires", "1d", "--as-user", "--", "df -h | tail")
    first, second = (one.body for one in double.requests("POST", "/jobs"))

    assert (first["argv"], first["device"], first["max_devices"]) == (["systemctl", "restart", "a b"], "web01", 1)
    assert (second["script"], second["timeout"], second["expires"]) == ("df -h | tail", 300, 86_400)
    assert second["run_as"] == "user"


@pytest.mark.parametrize("argv", [
    ("run",), ("run", "web01"), ("run", "-l", "a=b"), ("run", "web01", "--shell", "fish", "x"),
    ("run", "web01", "--delay", "5s", "x"), ("run", "web01", "--timeout", "0.1s", "x"),
    ("run", "web01", "--shell", "sh", "a", "b"), ("run", "-l", "a=b", "--yes", "x"), ("run", "-l", "a=b", "x"),
    ("script", "run", "greet", "web01", "-p", "who"), ("script", "run", "greet", "web01", "-l", "a=b"),
])
def test_a_line_that_makes_no_sense_orders_nothing(argv: tuple[str, ...], guru: Guru, double: Double) -> None:
    assert guru(*argv).code == 2
    assert double.requests("POST", "/jobs") == []


def test_more_devices_than_allowed_are_refused_before_anything_is_ordered(guru: Guru, double: Double) -> None:
    assert guru("run", "-l", "a=b", "--yes", "--max-devices", "1", "x").code == 8
    assert double.requests("POST", "/jobs") == []
