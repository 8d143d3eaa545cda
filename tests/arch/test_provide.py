"""What the Makefile says on a machine that lacks something."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.arch.sources import ROOT

NEEDED = ("sh", "dirname", "id", "sed", "python3")


@pytest.mark.parametrize(
    ("manager", "command"),
    [("dnf", "sudo dnf install git"), ("brew", "brew install git"), ("pacman", "sudo pacman -S git")],
)
def test_a_missing_program_is_named_with_the_command_that_installs_it(
    tmp_path: Path, manager: str, command: str
) -> None:
    for program in NEEDED:
        found = shutil.which(program)
        assert found
        (tmp_path / program).symlink_to(found)
    (tmp_path / manager).write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / manager).chmod(0o755)

    done = subprocess.run(
        [str(ROOT / "tools/provide.sh"), "system", "run"],
        env={"PATH": str(tmp_path), "HOME": os.environ.get("HOME", "/")},
        capture_output=True, text=True, timeout=60,
    )

    assert done.returncode == 1
    assert "error: this needs git" in done.stderr
    assert f"hint: {command}" in done.stderr
    assert done.stdout == ""


@pytest.mark.timeout(600)
def test_nothing_is_said_when_all_is_there() -> None:
    command = [str(ROOT / "tools/provide.sh"), "system", "test"]
    subprocess.run(command, capture_output=True, check=True, timeout=580)       # `make check` alone asks for less
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
