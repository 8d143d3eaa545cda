"""A program out of a nursery is what a fresh one is: its own process, files, variables, exit code and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools.lab import nursery
from tools.lab.processes import Child, finished
from tools.lab.world import BIN, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nurseries need Linux")

GURU, AGENT = str(BIN / "guru"), str(BIN / "guru-agent")


@pytest.fixture
def _own() -> Iterator[None]:
    with nursery.nurseries():
        yield


def waiting(folder: Path) -> Child:
    """The carrying half of an agent, which waits until the other one is there."""
    return Child([AGENT, "network", "--socket", str(folder / "none")], folder / "log")


@pytest.mark.parametrize("words", [
    ("--version",), ("explain", "G0404"), ("validate", "/nonexistent"), ("devise",), ("whoami",), (),
])
def test_it_says_and_ends_as_the_installed_program_does(words: tuple[str, ...], tmp_path: Path) -> None:
    (config := tmp_path / "config.json").write_text("{")        # whoami names it in its error
    env = {"GURU_CONFIG": str(config), "GURU_KEYRING": "off"}

    real = subprocess.run([GURU, *words], env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)

    assert finished([GURU, *words], env, 60) == (real.returncode, real.stdout, real.stderr)


def test_it_has_a_session_and_a_name_of_its_own_and_no_file_of_others(tmp_path: Path) -> None:
    child = waiting(tmp_path)
    process = psutil.Process(child.pid)
    wait_until("it is the program", lambda: process.name() == "guru-agent")
    opened = [str(path.resolve()) for path in Path(f"/proc/{child.pid}/fd").iterdir()]
    session, code = os.getsid(child.pid), child.exit_code
    child.kill()

    assert (session, code) == (child.pid, None)
    assert [path for path in opened if "socket:" not in path and "anon_inode:" not in path] == [
        "/dev/null", str(tmp_path / "log"), str(tmp_path / "log"),
    ]


@pytest.mark.usefixtures("_own")
def test_how_it_was_ended_is_known(tmp_path: Path) -> None:
    killed, asked = waiting(tmp_path), waiting(tmp_path)
    wait_until("it is the program", lambda: psutil.Process(asked.pid).name() == "guru-agent")

    killed.kill()
    with pytest.raises(subprocess.TimeoutExpired):
        asked.wait(0.1)
    asked.stop()

    assert killed.exit_code == -signal.SIGKILL
    assert asked.exit_code is not None
    assert not psutil.pid_exists(killed.pid)


def test_it_ends_with_its_nursery(tmp_path: Path) -> None:
    with nursery.nurseries():
        child = waiting(tmp_path)
        process = psutil.Process(child.pid)

    assert psutil.wait_procs([process], timeout=10)[1] == []
    assert child.exit_code == -signal.SIGKILL


@pytest.mark.usefixtures("_own")
def test_what_python_is_told_and_other_programs_start_for_real(tmp_path: Path) -> None:
    told = finished([GURU, "--version"], {"PYTHONPATH": str(tmp_path)}, 60)
    other = finished(["sh", "-c", "echo $0 $PPID", "x"], {}, 60)

    assert told[0] == 0
    assert other == (0, f"x {os.getpid()}\n", "")
