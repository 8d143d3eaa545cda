"""`guru-agent install`: the units that it writes, for this program and no other place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from guru_agent import installing
from guru_agent.installing import hidden, this_program, write
from guru_agent.main import main
from guru_policy.errors import GuruError

PROGRAM = Path("/opt/guru/bin/guru-agent")


def test_two_units_and_a_user_are_written_and_again_the_same(tmp_path: Path) -> None:
    first = write(PROGRAM, together=False, root=tmp_path)
    texts = [path.read_text() for path in first]
    again = write(PROGRAM, together=False, root=tmp_path)

    assert [path.name for path in first] == ["guru-agent.service", "guru-agent-network.service", "guru-agent.conf"]
    assert texts == [path.read_text() for path in again]
    assert f"ExecStart={PROGRAM} executor\n" in texts[0]
    assert f"ExecStart={PROGRAM} network\n" in texts[1]
    assert {path.stat().st_mode & 0o777 for path in first} == {0o644}


def test_together_is_one_unit_and_takes_the_other_away(tmp_path: Path) -> None:
    write(PROGRAM, together=False, root=tmp_path)

    [unit] = write(PROGRAM, together=True, root=tmp_path)

    text = unit.read_text()
    assert f"ExecStart={PROGRAM} run\n" in text
    assert "After=network-online.target\n" in text
    assert "guru-agent-network" not in text.split("[Unit]")[1]
    assert [path.name for path in unit.parent.iterdir()] == ["guru-agent.service"]


@pytest.mark.parametrize("program", ["/opt/a b/guru-agent", "/opt/%n/guru-agent", "/opt/a\nExecStart=x/guru-agent"])
def test_a_path_that_a_unit_would_misread_is_refused(program: str, tmp_path: Path) -> None:
    with pytest.raises(GuruError, match="cannot stand in a unit"):
        write(Path(program), together=False, root=tmp_path)


def test_what_the_network_half_could_not_see_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/opt/guru")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    seen = hidden(PROGRAM)
    monkeypatch.setattr(sys, "base_prefix", "/var/tmp/python")

    assert (seen, hidden(PROGRAM)) == (None, Path("/var/tmp/python"))
    assert this_program().is_absolute()


def test_a_folder_that_takes_nothing_and_a_machine_without_systemd_are_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "etc").write_text("no folder")
    with pytest.raises(GuruError, match=r"cannot write .*/etc"):
        write(PROGRAM, together=False, root=tmp_path)

    monkeypatch.setattr(installing, "RUNNING", tmp_path / os.urandom(4).hex())

    assert main(["install"]) == 1
    assert "`guru-agent run` runs both halves in one process" in capsys.readouterr().err
