"""`make demo` as a new user meets it: it tells the truth, can be run again, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tools.lab.world import World, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

STANDS = "Everything keeps running"
ROOT = Path(__file__).parents[2]


class Demo:
    """A running demo with few devices; what it said so far is in `log`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.log = folder, folder.parent / f"demo-{time.monotonic_ns()}.log"
        argv = [sys.executable, "-m", "tools.demo", "--folder", str(folder), "--devices", "3", *options]
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(argv, cwd=ROOT, stdout=sink, stderr=sink, start_new_session=True)

    def said(self, text: str) -> bool:
        """Whether it said so; AssertionError when it ended without."""
        told = self.log.read_text()
        assert text in told or self.process.poll() is None, told
        return text in told

    def below(self) -> list[psutil.Process]:
        """Every process under it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def ended(self, timeout: float = 240.0) -> int:
        """The exit code."""
        return self.process.wait(timeout)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos in one folder; none outlives the test."""
    started: list[Demo] = []

    def start(*options: str) -> Demo:
        started.append(Demo(tmp_path / "demo", *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGTERM)
            one.ended()


def test_it_runs_over_leftovers_and_ctrl_c_ends_every_process(demo: Callable[..., Demo], tmp_path: Path) -> None:
    (tmp_path / "demo" / "server" / "old").mkdir(parents=True)
    (tmp_path / "demo" / "guru").write_text("left by a demo before\n")
    first = demo()
    wait_until("it stands", lambda: first.said(STANDS), timeout=150)

    tried = subprocess.run([tmp_path / "demo" / "guru", "device", "list"], capture_output=True, text=True, timeout=60)
    second = demo("--once").ended()
    children = first.below()
    os.killpg(first.process.pid, signal.SIGINT)

    assert (tried.returncode, "acme-pc01" in tried.stdout) == (0, True)
    assert second == 1, "two demos in one folder would take each other's files"
    assert len(children) >= 3
    assert first.ended() == 0
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_once_ends_with_0_after_the_last_step(demo: Callable[..., Demo]) -> None:
    run = demo("--once")

    assert run.ended() == 0, run.log.read_text()
    told = run.log.read_text()
    assert "wait for the alert to resolve" in told
    assert '"event": "firing"' in told
    assert STANDS not in told


def test_once_does_not_end_with_0_when_a_step_fails(demo: Callable[..., Demo]) -> None:
    run = demo("--once")
    wait_until("a device is there", lambda: run.said("simulated devices"), timeout=120)
    for child in run.below():
        if "tests.bench.fleet_sim" in " ".join(child.cmdline()):
            child.kill()

    assert run.ended() == 1
    assert "error: the simulated agents ended" in run.log.read_text()


def test_a_taken_port_is_left_to_whoever_took_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    try:
        world.remote.create(ROOT / "examples" / "small-office")
        world.prepare()
        with socket.create_server(("127.0.0.1", world.port)) as other:
            world.start_server()
            world.sign_in()

            assert world.port != other.getsockname()[1]
            assert world.guru("whoami").exit_code == 0
    finally:
        world.stop()
