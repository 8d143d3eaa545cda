"""Jobs on real processes: a real agent, simulated ones, and the command line that technicians live in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.lab.office import office, settle
from tools.lab.rows import rows
from tools.lab.world import BIN, AgentPlace, World, wait_until

pytestmark = pytest.mark.e2e

PC = "acme-pc01"
SIMULATED = 20
COMMANDS = """apiVersion: guru/v1
kind: CommandTemplate
metadata: {name: greet}
spec:
  shell: sh
  script: echo "hello $PARAM_WHO, $PARAM_TIMES times"
  params:
    who: {type: string, choices: [ada, bob]}
    times: {type: integer, default: 3, max: 5}
---
apiVersion: guru/v1
kind: CommandTemplate
metadata: {name: from-file}
spec: {shell: python, source: org/scripts/where.py}
---
apiVersion: guru/v1
kind: Role
metadata: {name: senior}
spec:
  rules: {run: {verbs: [command.run]}}
---
apiVersion: guru/v1
kind: CommandTemplate
metadata: {name: careful}
spec: {shell: sh, script: "true", approval: {role: senior}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One real agent of acme, some simulated ones of birch."""
    with office(tmp_path_factory.mktemp("jobs")) as made:
        made.remote.push("Commands", {"org/commands.yaml": COMMANDS, "org/scripts/where.py": "print('from a file')\n"})
        made.guru("sync")
        made.simulate(SIMULATED, "birch", "hq", "--duration", "0", "--quiet")
        settle(made, PC)
        wait_until("the simulated are there", lambda: len(linked(made)) == SIMULATED + 1, 90)
        yield made


@pytest.fixture
def place(world: World) -> AgentPlace:
    home = world.folder / "agents" / PC
    return AgentPlace(PC, home / "state", home / "root")


def linked(world: World) -> list[str]:
    return [one["name"] for one in world.get("/devices?limit=100")["items"] if one["online"]]


def runs(world: World, job: str) -> dict[str, str]:
    return {run["name"]: run["state"] for run in world.get(f"/jobs/{job}")["runs"]}


def started(world: World, *words: str) -> str:
    """A job that nobody waits for."""
    return world.guru("run", "--no-wait", "-o", "name", *words).out.strip()


def test_what_a_device_prints_comes_on_its_own_streams_with_its_exit_code(world: World) -> None:
    done = world.guru("run", PC, "--", "echo out; printf 'a\\033[31mb' >&2; exit 3", check=False)
    whole = world.guru("run", PC, "-o", "json", "--", "sh", "-c", "echo $0", "a b", check=False)
    run = json.loads(whole.out)["runs"][0]

    assert (done.exit_code, done.out) == (1, "out\n")
    assert done.err.startswith("ab\n")
    assert "exit code 3" in done.err
    assert (whole.exit_code, run["exit_code"], run["stdout"]) == (0, 0, "a b\n")


def test_input_and_scripts_come_from_files(world: World, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("x" * 1000)
    (tmp_path / "count.py").write_text("import sys; print(len(sys.stdin.read()))")
    done = world.guru("run", PC, "--shell", "python", "--file", str(tmp_path / "count.py"), "--stdin",
                      str(tmp_path / "in"))

    assert done.out == "1000\n"


def test_many_devices_answer_at_once_and_the_same_output_is_one_group(world: World) -> None:
    many = ("run", "-l", "customer=birch", "--yes", "--max-devices", str(SIMULATED))
    done = world.guru(*many, "-o", "json", "--", "true")
    told: Any = json.loads(done.out)
    named = world.guru(*many, "-o", "ndjson", "--", "hostname").out.splitlines()
    texts = [event["text"] for event in map(json.loads, named) if event["type"] == "output"]

    assert told["job"]["counts"] == {"succeeded": SIMULATED}
    assert len({run["digest"] for run in told["runs"]}) == 1
    assert sorted(texts) == sorted(f"sim-{number}\n" for number in range(1, SIMULATED + 1))


def test_too_many_devices_are_refused_and_nobody_can_be_asked(world: World) -> None:
    many = ("run", "-l", "customer=birch")

    assert world.guru(*many, "--", "true", check=False).exit_code == 2
    assert world.guru(*many, "--yes", "--", "true", check=False).exit_code == 2
    assert world.guru(*many, "--yes", "--max-devices", "3", "--", "true", check=False).exit_code == 8
    assert world.guru("run", "-l", "customer=nobody", "--", "true", check=False).exit_code == 5


def test_some_that_fail_are_partial_and_run_again_alone(world: World) -> None:
    failed = world.guru("run", "-l", f"name in (sim-1,{PC})", "--yes", "--max-devices", "2", "-o", "json", "--",
                        "ls", "/etc/office/support.txt-not", check=False)
    job = json.loads(failed.out)["job"]["id"]
    again = world.guru("job", "rerun", job[:8], "--failed", "-o", "json", check=False)

    assert failed.exit_code == 6
    assert json.loads(again.out)["job"]["total"] == 1
    assert json.loads(again.out)["runs"][0]["name"] == PC
    assert again.exit_code == 1


def test_a_job_that_takes_too_long_is_a_deadline(world: World) -> None:
    done = world.guru("run", PC, "--timeout", "1s", "-o", "json", "--", "echo begun; sleep 60", check=False)

    assert done.exit_code == 7
    assert json.loads(done.out)["runs"][0]["state"] == "timed_out"
    assert json.loads(done.out)["runs"][0]["stdout"] == "begun\n"


def test_a_device_that_is_away_gets_it_when_it_comes_back(world: World, place: AgentPlace) -> None:
    mark = place.root / "came-back"
    agent = world.children[f"agent {PC}"]
    agent.stop()
    wait_until("the server sees that it is gone", lambda: PC not in linked(world))
    asked = world.guru("run", PC, "-o", "json", "--", "touch", "came-back", check=False)
    job = json.loads(asked.out)["job"]["id"]
    world.start_agent(place)
    wait_until("it ran", lambda: runs(world, job) == {PC: "succeeded"}, 60)

    assert asked.exit_code == 6
    assert json.loads(asked.out)["runs"][0]["state"] == "queued"
    assert mark.exists()


def test_a_job_is_watched_shown_and_cancelled_from_elsewhere(world: World) -> None:
    job = started(world, PC, "--", "echo begun; sleep 300")
    wait_until("it runs", lambda: runs(world, job) == {PC: "running"})
    done: Any = world.ask("job", "cancel", job[:8])
    watched = world.guru("job", "watch", job[:8], check=False)
    listed: Any = world.ask("job", "list", "--limit", "1")
    printed: Any = world.ask("job", "output", job[:8])

    assert done["ending"] == 1
    assert (watched.exit_code, watched.out) == (1, "begun\n")
    assert listed["items"][0]["id"] == job
    assert (printed["stdout"], printed["run"]["state"]) == ("begun\n", "cancelled")
    assert "begun" not in world.guru("job", "show", job[:8]).err


def test_scripts_of_the_repository_run_with_typed_parameters(world: World) -> None:
    greeted = world.guru("script", "run", "greet", PC, "-p", "who=ada")
    wrong = [world.guru("script", "run", "greet", PC, "-p", said, check=False)
             for said in ("who=eve", "times=x", "times=9", "other=1")]
    file = world.guru("script", "run", "from-file", PC)
    careful = world.guru("script", "run", "careful", PC, check=False)
    listed: Any = world.ask("script", "list")
    shown: Any = world.ask("script", "show", "greet")

    assert greeted.out == "hello ada, 3 times\n"
    assert [done.exit_code for done in wrong] == [10, 10, 10, 10]
    assert file.out == "from a file\n"
    assert (careful.exit_code, "approval" in careful.err) == (8, True)
    assert {row["name"] for row in listed["items"]} >= {"greet", "from-file", "careful"}
    assert shown["params"][0]["name"] == "times"


def test_interrupting_the_command_line_leaves_the_job_alone(world: World) -> None:
    process = subprocess.Popen([BIN / "guru", "run", PC, "--", "echo on; sleep 1; echo off"],
                               env={**os.environ, **world.guru_env()}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    process.send_signal(signal.SIGINT)
    code = process.wait(30)
    job: Any = world.get("/jobs?limit=1")["items"][0]["id"]
    wait_until("it ended by itself", lambda: runs(world, job) == {PC: "succeeded"})

    assert code == 130
    assert world.get(f"/jobs/{job}/output/{PC}")["stdout"] == "on\noff\n"


def test_the_audit_log_has_who_ran_what_where_and_how_it_went(world: World) -> None:
    world.guru("run", PC, "--", "exit 4", check=False)
    found = rows(world.database_url, "SELECT actor, action, object, result FROM audit WHERE action LIKE 'JobRun%'")

    assert any(actor == "person:admin" and "exit code 4" in how and "exit 4" in how for actor, _, _, how in found)
