"""Jobs on a real link: run once, told truly, whatever the command does."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from guru_agent.jobs.runner import WAITING
from guru_agent.state.runs import KEPT
from guru_wire.orders import Command
from tests.agent.conftest import Parts, enrolled
from tests.agent.link_server import Fleet, LinkServer, now_ms, until

JOB = secrets.token_hex(16)               # no other: what runs for a job is ended wherever it is on this machine
DAY = 24 * 3_600_000


@pytest.fixture
async def server(fleet: Fleet) -> AsyncIterator[LinkServer]:
    made = LinkServer(fleet)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def parts(tmp_path: Path, fleet: Fleet, server: LinkServer) -> AsyncIterator[Parts]:
    enrolled(tmp_path / "state", fleet, server.url)
    made = Parts(tmp_path / "state")
    async with made.linked():
        await until(lambda: server.links)
        yield made
    made.store.close()


def sh(script: str, **more: object) -> Command:
    return Command(script=script, **more)


def states(fleet: Fleet, job: str = JOB) -> list[str]:
    return [body["state"] for body in fleet.of("run") if body["job"] == job]


def ended(fleet: Fleet, job: str = JOB) -> bool:
    return any(state != "running" for state in states(fleet, job))


def end(fleet: Fleet, job: str = JOB) -> dict:
    return next(body for body in fleet.of("run") if body["job"] == job and body["state"] != "running")


def printed(fleet: Fleet, stream: str, job: str = JOB) -> bytes:
    pieces = [body for body in fleet.of("output") if body["job"] == job]
    pieces += end(fleet, job).get("rest", ()) if ended(fleet, job) else ()
    mine = sorted((one["offset"], one["data"]) for one in pieces if one["stream"] == stream)
    return b"".join(base64.b64decode(data) for _, data in mine)


async def run(server: LinkServer, fleet: Fleet, command: Command, job: str = JOB) -> dict:
    """The end of a run."""
    await server.say(fleet.order(command, job=job))
    await until(lambda: ended(fleet, job), 30)
    return end(fleet, job)


async def test_a_short_command_is_one_item_with_all_of_it(server: LinkServer, fleet: Fleet, parts: Parts) -> None:
    found = await run(server, fleet, sh("echo out; echo err >&2; exit 3"))

    assert (found["state"], found["exit_code"]) == ("failed", 3)
    assert (printed(fleet, "out"), printed(fleet, "err")) == (b"out\n", b"err\n")
    assert states(fleet) == ["failed"]
    assert fleet.of("output") == []


async def test_output_comes_while_the_command_still_runs(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    await server.say(fleet.order(sh(f"echo first; until test -e {gate}; do sleep 0.05; done; echo last"), job=JOB))
    await until(lambda: printed(fleet, "out") == b"first\n" and states(fleet) == ["running"])
    gate.touch()
    await until(lambda: ended(fleet))

    assert printed(fleet, "out") == b"first\nlast\n"
    assert states(fleet) == ["running", "succeeded"]


async def test_the_same_order_twice_runs_once(server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path) -> None:
    order = fleet.order(sh(f"echo x >> {tmp_path}/times"), job=JOB)
    for _ in range(3):
        await server.say(order)
    await until(lambda: ended(fleet))
    await server.say(order)
    await run(server, fleet, sh("true"), job="2" * 32)

    assert (tmp_path / "times").read_text() == "x\n"
    assert states(fleet) == ["succeeded"]


async def test_a_command_that_reads_gets_what_was_given_or_nothing(
    server: LinkServer, fleet: Fleet, parts: Parts
) -> None:
    await run(server, fleet, sh("cat"))
    told = base64.b64encode(b"x" * 100_000).decode()
    found = await run(server, fleet, sh("wc -c", stdin=told), job="2" * 32)

    assert found["state"] == "succeeded"
    assert printed(fleet, "out") == b""
    assert printed(fleet, "out", "2" * 32).strip() == b"100000"


async def test_a_flood_is_cut_at_its_limit_and_says_so(server: LinkServer, fleet: Fleet, parts: Parts) -> None:
    command = sh("yes | head -c 4000000", output=50_000, timeout=60)
    found = await run(server, fleet, command)

    assert found["out"] == 4_000_000
    assert found["kept"] == 50_000 == len(printed(fleet, "out"))
    assert (found["state"], found["exit_code"]) == ("succeeded", 0)


async def test_a_command_that_ignores_term_is_killed_with_all_that_it_started(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    script = f"trap '' TERM; (trap '' TERM; sleep 300) & echo $! > {tmp_path}/child; sleep 300 & wait; wait"
    found = await run(server, fleet, sh(script, timeout=1))
    child = int((tmp_path / "child").read_text())

    assert found["state"] == "timed_out"
    assert found["signal"] == 9
    assert "1 s" in found["reason"]
    await until(lambda: not alive(child))


async def test_what_left_the_session_is_ended_too(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    daemon = f"setsid sh -c 'echo $$ > {tmp_path}/daemon; exec sleep 300' > /dev/null 2>&1 < /dev/null &"
    found = await run(server, fleet, sh(f"{daemon} until test -s {tmp_path}/daemon; do sleep 0.05; done"))
    pid = int((tmp_path / "daemon").read_text())

    assert found["state"] == "succeeded"
    await until(lambda: not alive(pid))


async def test_a_daemon_that_holds_the_output_open_delays_nothing(
    server: LinkServer, fleet: Fleet, parts: Parts
) -> None:
    found = await run(server, fleet, sh("sleep 300 & echo done", timeout=60))

    assert found["state"] == "succeeded"
    assert found["duration"] < 10_000


async def test_a_job_that_hangs_does_not_hold_up_the_others(server: LinkServer, fleet: Fleet, parts: Parts) -> None:
    await server.say(fleet.order(sh("sleep 300"), job=JOB))
    others = [f"{number:032x}" for number in range(2, 12)]
    for job in others:
        await server.say(fleet.order(sh("true"), job=job))
    await until(lambda: all(ended(fleet, job) for job in others), 30)
    await server.say(fleet.cancel(JOB))
    await until(lambda: ended(fleet))

    assert end(fleet)["state"] == "cancelled"
    assert "while it ran" in end(fleet)["reason"]


async def test_a_cancellation_that_is_first_keeps_the_job_from_beginning(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    await server.say(fleet.cancel(JOB))
    await server.say(fleet.order(sh(f"touch {tmp_path}/ran"), job=JOB))
    await run(server, fleet, sh("true"), job="2" * 32)

    assert states(fleet) == ["cancelled"]
    assert not (tmp_path / "ran").exists()


async def test_an_order_that_is_not_genuine_is_refused_and_reported(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    good = fleet.order(sh(f"touch {tmp_path}/ran"), job=JOB)
    await server.say(good.model_copy(update={"nonce": "0" * 32}))
    await until(lambda: fleet.of("refusal"))

    assert "other devices" in fleet.of("refusal")[0]["message"]
    assert states(fleet) == []
    assert not (tmp_path / "ran").exists()


async def test_a_late_order_is_told_as_expired(server: LinkServer, fleet: Fleet, parts: Parts) -> None:
    now = now_ms()
    await server.say(fleet.order(sh("true"), job=JOB, issued_at=now - 60_000, expires_at=now - 30_000))
    await until(lambda: ended(fleet))

    assert states(fleet) == ["expired"]


@pytest.mark.parametrize(("command", "reason"), [
    (Command(argv=("/no/such/program",)), "No such file"), (sh("true", cwd="/no/such/folder"), "no folder"),
    (Command(script="x", shell="cmd"), "Windows"), (Command(look="vpn"), "no look"),
])
async def test_what_cannot_begin_says_why(
    command: Command, reason: str, server: LinkServer, fleet: Fleet, parts: Parts
) -> None:
    found = await run(server, fleet, command)

    assert (found["state"], found.get("exit_code")) == ("failed", None)
    assert reason in found["reason"]


async def test_a_script_reaches_its_shell_and_no_argument_list(
    server: LinkServer, fleet: Fleet, parts: Parts
) -> None:
    await run(server, fleet, sh("cat /proc/$$/cmdline | tr '\\0' ' '; echo \"$PARAM_WORD\"", env={"PARAM_WORD": "a b"}))
    await run(server, fleet, Command(script="import os; print(os.environ['GURU_JOB'])", shell="python"), job="2" * 32)

    assert printed(fleet, "out").startswith(b"/bin/sh /dev/fd/")
    assert printed(fleet, "out").endswith(b"a b\n")
    assert printed(fleet, "out", "2" * 32) == b"2" * 32 + b"\n"


async def test_nothing_runs_when_it_is_so_already(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    found = await run(server, fleet, sh(f"touch {tmp_path}/ran", unless="true"))

    assert (found["state"], (tmp_path / "ran").exists()) == ("succeeded", False)
    assert "already" in found["reason"]


async def test_a_cancellation_while_it_asks_whether_it_is_so_keeps_the_command_from_beginning(
    server: LinkServer, fleet: Fleet, parts: Parts, tmp_path: Path
) -> None:
    asking = tmp_path / "asking"
    await server.say(fleet.order(sh(f"touch {tmp_path}/ran", unless=f"touch {asking}; sleep 300"), job=JOB))
    await until(asking.exists)
    await server.say(fleet.cancel(JOB))
    await until(lambda: ended(fleet))

    assert (end(fleet)["state"], end(fleet)["reason"]) == ("cancelled", "it was ended before the command began")
    assert not (tmp_path / "ran").exists()


async def test_a_queue_that_is_too_long_is_answered(server: LinkServer, fleet: Fleet, parts: Parts) -> None:
    for number in range(WAITING + 10):
        parts.jobs.ordered(fleet.order(sh("sleep 60"), job=f"{number:032x}"))
    await until(lambda: any("too many" in body.get("reason", "") for body in fleet.of("run")))

    full = [body for body in fleet.of("run") if body["state"] == "failed"]
    assert len(full) <= 10


async def test_what_was_answered_as_too_much_never_runs_however_late_its_order_comes_again(
    server: LinkServer, fleet: Fleet, parts: Parts
) -> None:
    for number in range(WAITING + 10):
        parts.jobs.ordered(fleet.order(sh("sleep 60"), job=f"{number:032x}"))
    now = now_ms()
    late = fleet.order(sh("true"), job=JOB, issued_at=now, expires_at=now + 20 * DAY)
    parts.jobs.ordered(late)
    for number in range(KEPT * 2):          # so many that old ones are forgotten, two days later
        parts.runs.end(f"a{number:031x}", now + number, now + 2 * DAY)

    assert parts.acceptance.order(late) is None


async def test_a_job_that_was_begun_by_an_agent_that_died_is_lost_and_not_run_again(
    tmp_path: Path, fleet: Fleet, server: LinkServer
) -> None:
    enrolled(tmp_path / "state", fleet, server.url)
    before = Parts(tmp_path / "state")
    before.acceptance.greeted(anew=False)
    order = fleet.order(sh(f"touch {tmp_path}/ran"), job=JOB)
    before.runs.begin(JOB, now_ms() + 60_000, now_ms())
    before.store.close()
    after = Parts(tmp_path / "state")
    async with after.linked():
        await until(lambda: ended(fleet))
        await server.say(order)
        await run(server, fleet, sh("true"), job="2" * 32)
    after.store.close()

    assert states(fleet) == ["lost"]
    assert not (tmp_path / "ran").exists()


async def test_an_agent_that_is_stopped_ends_its_jobs_and_says_so(
    tmp_path: Path, fleet: Fleet, server: LinkServer
) -> None:
    enrolled(tmp_path / "state", fleet, server.url)
    parts = Parts(tmp_path / "state")
    async with parts.linked():
        await until(lambda: server.links)
        await server.say(fleet.order(sh(f"echo $$ > {tmp_path}/pid; sleep 300"), job=JOB))
        await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    async with parts.linked():
        await until(lambda: ended(fleet))
    parts.store.close()

    assert "stopped" in end(fleet)["reason"]
    await until(lambda: not alive(int((tmp_path / "pid").read_text())))


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


async def test_many_commands_at_once_leave_no_descriptor_open(
    server: LinkServer, fleet: Fleet, parts: Parts
) -> None:
    await run(server, fleet, sh("true"))
    before = descriptors()
    jobs = [f"{number:032x}" for number in range(10, 30)]
    for job in jobs:
        await server.say(fleet.order(sh("echo x"), job=job))
    await until(lambda: all(ended(fleet, job) for job in jobs), 30)
    await asyncio.sleep(0)

    assert descriptors() <= before + 1
