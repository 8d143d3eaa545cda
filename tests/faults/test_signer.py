"""The signer killed, stopped and braked, beside a real server: reads go on, nothing is signed, and it mends itself."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.lab.office import device, office, settle
from tools.lab.world import BIN, World, wait_until

pytestmark = pytest.mark.fault
PC = "acme-pc01"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with office(tmp_path_factory.mktemp("signer"), settings={"GURU_SERVER_SIGNER__COMMANDS": "1"}) as made:
        settle(made, PC)
        settle(made, "acme-pc02")
        yield made


def signer_of(world: World) -> int:
    """The process id of the server's signer."""
    children = Path(f"/proc/{world.server.pid}/task").glob("*/children")
    found = [int(pid) for file in children for pid in file.read_text().split()]
    return next(pid for pid in found if b"guru_server.signer" in Path(f"/proc/{pid}/cmdline").read_bytes())


def ran(world: World, name: str, word: str) -> bool:
    """Whether a device runs what is ordered now."""
    done = world.guru("run", name, "--", "echo", word, check=False)
    return done.exit_code == 0 and word in done.out


def job(world: World, name: str) -> Any:
    return world.get(f"/jobs/{name}")


def test_a_signer_that_was_killed_is_started_again_and_nothing_is_lost(world: World) -> None:
    before = signer_of(world)
    os.kill(before, signal.SIGKILL)
    read = world.get("/devices")["total"]

    wait_until("another signer runs", lambda: signer_of_or(world, before) != before, 90)
    wait_until("orders are signed again", lambda: ran(world, PC, "signed"), 90)
    assert read == 2


def test_while_the_signer_hangs_reads_go_on_and_jobs_say_why_not(world: World) -> None:
    pid = signer_of(world)
    os.kill(pid, signal.SIGSTOP)
    try:
        refused = world.guru("run", PC, "--", "echo", "never", check=False)
        read = world.get("/devices")["total"]
    finally:
        os.kill(pid, signal.SIGCONT)

    assert refused.exit_code == 7
    assert "the signer does not answer" in refused.err
    assert read == 2
    wait_until("orders are signed again", lambda: ran(world, PC, "signed"), 90)


def test_orders_beyond_the_brake_wait_for_a_second_person_and_run_then(world: World) -> None:
    wait_until("the devices are there", lambda: all(device(world, name)["online"] for name in (PC, "acme-pc02")))
    wait_until("orders are signed", lambda: ran(world, PC, "signed"), 90)
    name = world.guru("run", "--no-wait", "-o", "name", "acme-pc02", "--", "echo", "late").out.strip()
    held = job(world, name)
    world.server.stop()
    world.start_server()
    done = subprocess.run(
        [BIN / "guru-server", "signer", "release", "--commands", "5", "--for", "30m", "--reason", "patch day"],
        env=world.server_env(), capture_output=True, text=True, timeout=60, check=False,
    )

    assert "signing is held: orders for 2 devices within an hour, and 1 are allowed" in held["held"]
    assert {run["state"] for run in held["runs"]} == {"queued"}
    assert done.returncode == 0, done.stderr
    wait_until("the job ran", lambda: {run["state"] for run in job(world, name)["runs"]} == {"succeeded"}, 90)
    assert not job(world, name)["held"]


def signer_of_or(world: World, other: int) -> int:
    """The same; `other` while there is none."""
    try:
        return signer_of(world)
    except (StopIteration, OSError):
        return other
