"""Jobs while things break: whatever is killed or cut, nothing runs twice, nothing is lost, and the states are true."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tools.lab.clock import JumpingClock
from tools.lab.rows import change, rows
from tools.lab.world import AgentPlace, World, wait_until

pytestmark = pytest.mark.fault

PC = "acme-pc01"
SIMULATED = 200


def ordered(world: World, *words: str) -> str:
    """The id of a new job that nobody waits for."""
    return world.guru("run", "--no-wait", "-o", "name", *words).out.strip()


def runs(world: World, job: str) -> dict[str, str]:
    return {run["name"]: run["state"] for run in world.get(f"/jobs/{job}")["runs"]}


def printed(world: World, job: str) -> str:
    text: str = world.get(f"/jobs/{job}/output/{PC}")["stdout"]
    return text


def linked(world: World) -> int:
    return sum(one["online"] for one in world.get("/devices?limit=1000")["items"])


def began(place: AgentPlace, name: str) -> Path:
    return place.root / name


@pytest.fixture(autouse=True)
def running(world: World, place: AgentPlace) -> None:
    """Server and agent run, whatever a test left behind, and are linked."""
    if not world.server.running:
        world.start_server()
    if not world.children[f"agent {PC}"].running:
        world.start_agent(place)
    answers(world)


def answers(world: World) -> None:
    """Return once the agent is linked and runs what it is told."""
    wait_until("the agent answers", lambda: world.guru("run", PC, "--", "true", check=False).exit_code == 0, 90, 1.0)


@pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)
def test_a_server_killed_during_a_job_of_200_devices_loses_none_and_runs_none_twice(
    world: World, place: AgentPlace
) -> None:
    world.simulate(SIMULATED, "birch", "hq", "--duration", "0", "--quiet", "--processes", "2", "--heartbeat", "5")
    wait_until("all are linked", lambda: linked(world) == SIMULATED + 1, 180)
    line = "echo x >> times; sleep 3"
    job = ordered(world, "-l", "customer in (acme,birch)", "--yes", "--max-devices", str(SIMULATED + 1), "--", line)
    wait_until("it runs", began(place, "times").exists)
    world.server.kill()
    world.start_server()
    wait_until("all have answered", lambda: set(runs(world, job).values()) == {"succeeded"}, 180, 0.5)
    audited = rows(world.database_url, "SELECT count(*) FROM audit WHERE action = 'JobRunEnded' AND object LIKE :job",
                   {"job": f"%{job}"})
    world.children["simulated agents"].stop()

    assert len(runs(world, job)) == SIMULATED + 1
    assert audited == [(SIMULATED + 1,)]
    assert began(place, "times").read_text() == "x\n"
    began(place, "times").unlink()


def test_an_agent_killed_between_start_and_result_says_lost_and_runs_nothing_again(
    world: World, place: AgentPlace
) -> None:
    job = ordered(world, PC, "--", "echo $$ > pid; echo x >> once; exec sleep 300")
    wait_until("it runs", began(place, "once").exists)
    world.children[f"agent {PC}"].kill()
    world.start_agent(place)
    wait_until("its end is told", lambda: runs(world, job) == {PC: "lost"}, 90)
    run = world.get(f"/jobs/{job}")["runs"][0]
    pid = began(place, "pid").read_text().strip()

    assert "unknown" in run["reason"]
    assert began(place, "once").read_text() == "x\n"
    wait_until("what was left of it has ended", lambda: not Path(f"/proc/{pid}/environ").exists())


def test_output_that_streams_over_a_link_that_breaks_arrives_whole(world: World, place: AgentPlace) -> None:
    job = ordered(world, PC, "--", "for n in $(seq 60); do echo line $n; sleep 0.1; done")
    wait_until("it streams", lambda: "line 3\n" in printed(world, job))
    world.server.kill()
    time.sleep(1.0)                     # it goes on printing into the spool meanwhile
    world.start_server()
    wait_until("it has ended", lambda: runs(world, job) == {PC: "succeeded"}, 90)

    assert printed(world, job) == "".join(f"line {n}\n" for n in range(1, 61))


def test_an_order_given_out_twice_runs_once(world: World, place: AgentPlace) -> None:
    job = ordered(world, PC, "--", "echo x >> twice")
    wait_until("it has ended", lambda: runs(world, job) == {PC: "succeeded"})
    change(world.database_url, "UPDATE job_run SET state = 'queued', heard = :no WHERE job = :job",
           {"no": False, "job": job})
    world.children[f"agent {PC}"].stop()
    world.start_agent(place)
    wait_until("it was given out again", lambda: runs(world, job) == {PC: "sent"}, 60)
    answers(world)

    assert began(place, "twice").read_text() == "x\n"


def test_orders_that_somebody_changed_in_the_database_are_refused_and_shown(world: World, place: AgentPlace) -> None:
    world.children[f"agent {PC}"].stop()
    wait_until("it is away", lambda: linked(world) == 0, 120, seen=lambda: world.get("/devices?limit=9")["items"])
    altered, late = (ordered(world, PC, "--", f"touch {name}") for name in ("altered", "late"))
    [(signed,)] = rows(world.database_url, "SELECT signed FROM job_order WHERE job = :job", {"job": altered})
    change(world.database_url, "UPDATE job_order SET signed = :signed WHERE job = :job",
           {"signed": signed.replace("touch altered", "touch escaped"), "job": altered})
    change(world.database_url, "UPDATE job_order SET signed = :signed WHERE job = :job",
           {"signed": signed, "job": late})                     # another job's, with proofs of its own
    world.start_agent(place)

    def refusals() -> list[Any]:
        found: list[Any] = world.get(f"/devices/{PC}")["refusals"]
        return [one for one in found if "order" in one["message"]]

    wait_until("both are refused", lambda: len(refusals()) >= 2, 60)
    assert {one["code"] for one in refusals()} == {"G0495"}
    assert not any(began(place, name).exists() for name in ("altered", "late", "escaped"))


def test_a_clock_that_is_wrong_neither_revives_nor_kills_an_order(world: World, place: AgentPlace) -> None:
    clock = JumpingClock(world.folder / "agent-clock")
    world.children[f"agent {PC}"].stop()
    world.start_agent(place, env=clock.environment)
    answers(world)
    for days in (400, -400):
        clock.jump(days * 86_400)       # whether the link survives that is not the point
        job = ordered(world, PC, "--", "true")
        wait_until("it ended", lambda: runs(world, job)[PC] not in ("queued", "sent", "running"), 90,  # noqa: B023
                   seen=lambda: runs(world, job))  # noqa: B023
        [run] = world.get(f"/jobs/{job}")["runs"]
        assert run["state"] == "succeeded"
        assert abs(run["started_at"] / 1000 - time.time()) < 600
    world.children[f"agent {PC}"].stop()


def test_a_stopped_agent_leaves_its_run_open_and_a_cancelled_one_ends_when_it_wakes(
    world: World, place: AgentPlace
) -> None:
    job = ordered(world, PC, "--", "sleep 300")
    wait_until("it runs", lambda: runs(world, job) == {PC: "running"})
    agent = world.children[f"agent {PC}"]
    agent.signal(signal.SIGSTOP)
    world.guru("job", "cancel", job)
    assert runs(world, job) == {PC: "running"}
    agent.signal(signal.SIGCONT)
    wait_until("it ended", lambda: runs(world, job) == {PC: "cancelled"}, 90)


def test_the_queue_behind_commands_that_misbehave_goes_on(world: World, place: AgentPlace) -> None:
    stubborn, lingering = "trap '' TERM; while :; do sleep 1; done", "for n in 1 2 3; do setsid sleep 99 & done"
    bad = ("yes", stubborn, "cat /dev/zero", lingering)
    jobs = [ordered(world, PC, "--timeout", "2s", "--", line) for line in bad]
    after = ordered(world, PC, "--", "echo still here")
    wait_until("all have ended", lambda: all(set(runs(world, job).values()) <= {
        "timed_out", "succeeded"} for job in (*jobs, after)), 60)

    assert printed(world, after) == "still here\n"
    assert [runs(world, job)[PC] for job in jobs] == ["timed_out", "timed_out", "timed_out", "succeeded"]
    assert len(printed(world, jobs[0])) == 64 << 10
