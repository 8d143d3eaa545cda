"""A network half that was taken over, as a real process: it makes the device do nothing, and the next one is heard."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from guru_policy.bundle import PlacedResource, digest_of
from guru_wire.orders import Command
from tests.agent.halves import Halves, halves
from tests.agent.link_server import until

HOSTILE = Path(__file__).with_name("network_half.py")
CONTENT = b"hello\n"


def take_over(lab: Halves, how: str) -> None:
    """Start the device with a network half that somebody took over."""
    spec = {"path": "/motd", "digest": digest_of(CONTENT)}
    lab.fleet.publish(lab.fleet.bundle(PlacedResource(id="motd", kind="file", spec=spec)), CONTENT)
    lab.decide()
    lab.carry(sys.executable, str(HOSTILE), str(lab.socket), how)


async def give_back(lab: Halves, hellos: int) -> None:
    """An honest half comes in its place: the device gets what it should be."""
    assert lab.network is not None
    lab.network.kill()
    lab.carry()
    await lab.linked(hellos + 1)
    await until(lambda: (lab.root / "motd").exists(), 60)
    assert (lab.root / "motd").read_bytes() == CONTENT


def refused(lab: Halves) -> str:
    """What the device told of what it would not take."""
    return " ".join(body["message"] for body in lab.fleet.of("refusal"))


@pytest.mark.parametrize(("how", "reason"), [("forged", "signature"), ("blob", "another digest")])
async def test_a_state_that_it_alters_is_refused_and_reported(how: str, reason: str, tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        take_over(lab, how)
        await lab.linked()
        await until(lambda: reason in refused(lab), 60)
        assert not (lab.root / "motd").exists()

        await give_back(lab, len(lab.fleet.hellos))


async def test_a_name_that_leads_out_of_the_folder_leads_nowhere(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        take_over(lab, "names")
        await lab.linked(3)             # every such answer ends a link
        assert not list(tmp_path.rglob("pwned*"))
        assert not (lab.root / "motd").exists()

        await give_back(lab, len(lab.fleet.hellos))


async def test_an_order_that_it_says_again_runs_once_and_one_that_it_alters_never(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        take_over(lab, "replayed")
        await lab.heard()
        await lab.server.say(lab.fleet.order(Command(script=f"echo innocent >>{tmp_path}/ran")))
        [end] = await lab.ran()
        await lab.server.announce()     # with every word of the server it says the order again
        await lab.server.say(lab.fleet.order(Command(script="true")))
        await lab.ran(2)
        await give_back(lab, len(lab.fleet.hellos))
        lab.network.kill()  # type: ignore[union-attr]  # it is there

        lab.carry(sys.executable, str(HOSTILE), str(lab.socket), "altered")
        await lab.linked(len(lab.fleet.hellos) + 1)
        await lab.server.say(lab.fleet.order(Command(script=f"echo innocent >>{tmp_path}/ran")))
        await until(lambda: "order" in refused(lab), 60)

        assert end["exit_code"] == 0
        assert (tmp_path / "ran").read_text() == "innocent\n"
        assert len(lab.ends()) == 2


async def test_it_cannot_end_a_job(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        take_over(lab, "cancelled")
        await lab.heard()
        await lab.server.say(lab.fleet.order(Command(script="sleep 0.5; exit 3")))
        [end] = await lab.ran()

        assert (end["state"], end.get("exit_code"), end.get("reason", "")) == ("failed", 3, "")


@pytest.mark.parametrize("how", ["welcome", "mark"])
async def test_a_time_and_a_mark_that_the_server_did_not_sign_are_not_believed(how: str, tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        take_over(lab, how)
        await until(lambda: len(lab.fleet.hellos) >= 3, 60)
        assert not (lab.root / "motd").exists()
        spools = {hello.spool for hello in lab.fleet.hellos}

        await give_back(lab, len(lab.fleet.hellos))
        assert spools == {lab.fleet.hellos[-1].spool}           # nothing of what waited was given up


async def test_a_key_that_it_names_locks_nobody_out(tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        key = lab.state / "device.key"
        before = key.read_bytes()
        take_over(lab, "rekeyed")
        await lab.linked(3)

        await give_back(lab, len(lab.fleet.hellos))
        assert key.read_bytes() == before


@pytest.mark.parametrize("how", ["huge", "unknown", "flood", "escapes"])
async def test_frames_that_are_none_cost_nothing_and_the_next_half_is_heard(how: str, tmp_path: Path) -> None:
    async with halves(tmp_path) as lab:
        take_over(lab, how)
        assert lab.executor is not None
        said = lab.executor.output
        if how == "escapes":
            await until(lambda: "not linked" in said(), 60)
            assert "\x1b" not in said()
        else:
            await until(lambda: "the network half was left" in said(), 60)
        process = psutil.Process(lab.executor.pid)
        before, began = process.cpu_times(), time.monotonic()
        await until(lambda: time.monotonic() - began > 0.8)
        spent = process.cpu_times()
        used = spent.user + spent.system - before.user - before.system

        assert used < 0.6
        assert process.memory_info().rss < 96 << 20
        await give_back(lab, len(lab.fleet.hellos))
        os.kill(lab.executor.pid, signal.SIGTERM)
        assert lab.executor.wait(20) == 0
