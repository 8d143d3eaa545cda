"""Programs that the agent runs: what they start, leave behind and print, and how they get their end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from guru_agent.host.programs import MAX_OUTPUT, run_program
from tests.agent.link_server import until


def gone(pid: int) -> bool:
    """Whether the process has ended; the kernel carries out a kill a moment after it was sent."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def open_files() -> int:
    """How many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_daemon_that_keeps_the_output_open_does_not_hold_up_its_starter(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"setsid sleep 60 & echo $! >{pid}; echo started"
    began = time.monotonic()

    done = await run_program(("/bin/sh", "-c", script), timeout=30)

    assert (done.exit_code, done.stdout) == (0, "started\n")
    assert time.monotonic() - began < 15
    os.kill(int(pid.read_text()), signal.SIGKILL)


async def test_a_flood_of_output_is_read_and_cut(tmp_path: Path) -> None:
    done = await run_program(("/bin/sh", "-c", "yes | head -c 20000000; echo end >&2"), timeout=60)

    assert (done.exit_code, len(done.stdout), done.stderr) == (0, MAX_OUTPUT, "end\n")


async def test_an_endless_flood_ends_at_the_time_limit() -> None:
    with pytest.raises(TimeoutError):
        await run_program(("yes",), timeout=1)


async def test_a_program_starts_with_nothing_of_the_agents_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GURU_AGENT_TOKEN", "secret")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    code = "import os,sys;print(sorted(os.environ), sys.stdin.read(), os.listdir('/proc/self/fd'), os.getcwd())"

    done = await run_program((sys.executable, "-I", "-c", code), timeout=30)

    environment, rest = done.stdout.split("] ", 1)
    assert environment == "['HOME', 'LC_ALL', 'PATH'"
    assert rest == " ['0', '1', '2', '3'] /\n"


async def test_a_cancelled_program_is_ended_with_its_group(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"sleep 60 & echo $! >{pid}.new; mv {pid}.new {pid}; wait"
    task = asyncio.create_task(run_program(("/bin/sh", "-c", script), timeout=60))
    while not pid.exists():
        await asyncio.sleep(0.02)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await until(lambda: gone(int(pid.read_text())))


@pytest.mark.parametrize("turns", range(6))
async def test_a_program_cancelled_while_it_starts_is_ended_and_keeps_nobody_waiting(turns: int) -> None:
    task = asyncio.create_task(run_program(("/bin/sh", "-c", "sleep 30 & wait"), timeout=60))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()

    done, _ = await asyncio.wait({task}, timeout=10)

    assert done == {task}
    assert task.cancelled()


async def test_a_folder_that_is_missing_is_not_called_a_missing_program() -> None:
    with pytest.raises(NotADirectoryError):
        await run_program(("true",), timeout=5, cwd="/no/such/folder")


async def test_a_daemon_that_keeps_the_output_open_does_not_outlast_the_time_limit(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"setsid sleep 60 & echo $! >{pid}; sleep 60"
    began = time.monotonic()

    with pytest.raises(TimeoutError):
        await run_program(("/bin/sh", "-c", script), timeout=1)

    assert time.monotonic() - began < 20
    os.kill(int(pid.read_text()), signal.SIGKILL)


async def test_what_a_program_is_told_arrives_whole_and_ends() -> None:
    told = b"x" * 3_000_000

    done = await run_program(("wc", "-c"), timeout=30, stdin=told)

    assert (done.exit_code, done.stdout.strip()) == (0, str(len(told)))


async def test_a_program_that_does_not_listen_is_no_failure(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    before = open_files()

    deaf = await run_program(("true",), timeout=30, stdin=b"x" * 3_000_000)
    script = f"setsid sleep 60 <&0 & echo $! >{pid}"
    held = await run_program(("/bin/sh", "-c", script), timeout=30, stdin=b"x" * 3_000_000)

    assert (deaf.exit_code, held.exit_code) == (0, 0)
    await until(lambda: open_files() <= before)
    os.kill(int(pid.read_text()), signal.SIGKILL)
