"""`guru cp` from an older server: parts arrive whole or not at all, and what was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from guru_wire.jobs import JobMade
from gurucli import partial
from tests.cli.canned import COPY_JOB, file_part, file_read, job_row
from tests.cli.conftest import Guru
from tests.cli.double import Double, problem

CONTENT = bytes(range(256)) * 4
LENGTH = 300                            # bytes that the device here brings at once


class Pc:
    """A device with one file, which is unreachable after so many parts."""

    def __init__(self, double: Double) -> None:
        self.content, self.stamp, self.starts, self.reach = CONTENT, "a" * 32, list[int](), 99
        self.forged, self.double = b"", double
        double.answers.pop("POST /transfers", None)     # a server that knows none
        double.answers["POST /jobs"] = self.order
        double.answers[f"GET /jobs/{COPY_JOB}/progress"] = self.progress

    def order(self, asked: Any) -> Any:
        if self.reach == 0:
            return problem(409, "G0409", "the link was cut", 9)
        self.reach -= 1
        self.part = asked.body["file"]["part"]
        self.starts.append(self.part["start"])
        return JobMade(job=job_row("", id=COPY_JOB, total=1), next=2)

    def progress(self, asked: Any) -> Any:
        brought = file_part(self.content, self.part["start"], self.stamp, LENGTH)
        if self.part["of"] not in ("", self.stamp):
            brought = brought.partition(b"\n")[0] + b"\n"
        return file_read(self.forged or brought)


@pytest.fixture
def pc(double: Double) -> Pc:
    return Pc(double)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_in_parts_for_its_owner_alone(guru: Guru, pc: Pc, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    told = json.loads(guru("cp", "web01:/etc/data", str(folder), "-o", "json").out)

    assert (folder / "data").read_bytes() == CONTENT
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o600
    assert (told["sha256"], told["size"], told["resumed"]) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), 0)
    assert (pc.starts, left(folder)) == ([0, 300, 600, 900], ["data"])


def test_a_copy_that_was_cut_off_goes_on_where_it_was_and_the_old_file_stays_until_then(
    guru: Guru, pc: Pc, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "data").write_text("old")
    pc.reach = 2
    cut = guru("cp", "web01:/data", str(folder), "--replace")
    old, pc.reach, pc.starts = (folder / "data").read_text(), 99, []
    told = json.loads(guru("cp", "web01:/data", str(folder), "--replace", "-o", "json").out)

    assert (cut.code, old) == (9, "old")
    assert (pc.starts, told["resumed"]) == ([600, 900], 600)
    assert ((folder / "data").read_bytes(), left(folder)) == (CONTENT, ["data"])


def test_what_is_here_of_a_file_that_is_no_more_is_not_gone_on_with(guru: Guru, pc: Pc, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pc.reach = 2
    guru("cp", "web01:/data", str(folder))
    pc.reach, pc.starts, pc.stamp, pc.content = 99, [], "b" * 32, CONTENT[::-1]
    result = guru("cp", "web01:/data", str(folder))

    assert (result.code, pc.starts) == (0, [600, 0, 300, 600, 900])
    assert ((folder / "data").read_bytes(), left(folder)) == (CONTENT[::-1], ["data"])


def test_what_was_altered_here_is_not_given_the_name(guru: Guru, pc: Pc, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pc.reach = 2
    guru("cp", "web01:/data", str(folder))
    (part,) = folder.iterdir()
    part.write_bytes(b"x" * 600)
    pc.reach = 99
    result = guru("cp", "web01:/data", str(folder))

    assert (result.code, left(folder)) == (1, [])


def test_an_agent_that_knows_no_parts_is_told_from_one_that_does(guru: Guru, pc: Pc, tmp_path: Path) -> None:
    pc.forged = b"the whole file\n"
    result = guru("cp", "web01:/data", str(tmp_path / "data"))

    assert (result.code, "update it" in result.err, (tmp_path / "data").exists()) == (1, True, False)


def test_nothing_is_written_over_a_file_a_link_or_on_a_full_disk(
    guru: Guru, pc: Pc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "data").write_text("mine")
    there = guru("cp", "web01:/data", str(folder)).code
    pc.reach = 1
    guru("cp", "web01:/other", str(folder))
    (part,) = (path for path in folder.iterdir() if path.name.startswith(partial.BEGIN))
    part.rename(tmp_path / "elsewhere")
    part.symlink_to(tmp_path / "elsewhere")
    pc.reach = 99
    linked = guru("cp", "web01:/other", str(folder)).code
    part.unlink()
    usage = os.statvfs(folder)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("", (), {"free": 1000, "total": usage.f_blocks}))
    full = guru("cp", "web01:/other", str(folder))

    assert (there, linked, full.code) == (9, 8, 8)
    assert "1,000 bytes free" in full.err
    assert ((folder / "data").read_text(), left(folder)) == ("mine", ["data"])
    assert (tmp_path / "elsewhere").stat().st_size == LENGTH


@pytest.mark.parametrize("words", [("here", "there"), ("web01:/etc/", "."), ("web01:/etc/", "web02:/b")])
def test_what_is_no_copy_from_a_device_is_said(words: tuple[str, str], guru: Guru) -> None:
    assert guru("cp", *words).code == 2


def test_a_file_that_is_made_meanwhile_stays_without_replace(guru: Guru, pc: Pc, tmp_path: Path) -> None:
    copied = tmp_path / "data"
    answer = pc.order

    def order(asked: Any) -> Any:
        copied.write_text("somebody else's")
        return answer(asked)

    pc.double.answers["POST /jobs"] = order
    refused = guru("cp", "web01:/etc/data", str(copied))

    assert (refused.code, copied.read_text()) == (9, "somebody else's")
    assert "--replace" in refused.err
