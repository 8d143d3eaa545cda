"""The command line against a real server: every verb, every format, every exit code of the contract."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gurucli.catalogue import VERBS
from tools.lab.world import BIN, Done, World, wait_until

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PC, HOURS = "acme-pc01", "org/hours.yaml"
PACE = """apiVersion: guru/v1
kind: Policy
metadata: {name: pace}
spec:
  agent: {heartbeat: 2s, converge: 2s}
"""
OPEN = """apiVersion: guru/v1
kind: Policy
metadata: {name: hours}
spec:
  resources:
    hours: {kind: file, path: /etc/office/hours.txt, content: "9 to 18\\n", mode: "0644"}
"""
LISTS = ("key list", "device list", "override list", "alert list --state all", "maint list --all", "revision list",
         "enroll token list", "enroll pending list", "context list", "audit list", "audit search role", "audit export",
         "software list", "software updates", "schedule list", "schedule runs")
THINGS = (
    "today", "top --once", f"find {PC}", f"device inventory {PC}", f"device history {PC}",
    "status", f"device show {PC}", f"device facts {PC}", f"explain {PC} checks.disk.warning", "whoami", "doctor",
    "validate FLEET", "plan FLEET", "plan --revision HEAD", "sync", "version", "explain G0404", "explain exit-codes",
    "api GET /status", "completion bash", f"device label {PC} role=desk", "context use lab",
    "sync --wait --timeout 60s", "audit verify", f"can device.label {PC}", f"access explain ada device.read {PC}",
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One real agent of acme and one simulated one of birch, both up to date; the context is called lab."""
    world = World(tmp_path_factory.mktemp("lab"))
    try:
        world.remote.create(ROOT / "examples" / "small-office")
        world.remote.push("Look every two seconds", {"org/pace.yaml": PACE})
        world.prepare()
        world.start_server()
        world.guru("login", world.url, "--pin", world.pin, "--context", "lab", env={"GURU_TOKEN": world.token})
        wait_until("the first revision is in force", lambda: bool(ask(world, "status")["customers"]))
        world.start_agent(world.enrol(PC, "acme", "hq"))
        world.simulate(1, "birch", "hq", "--names", "birch-{n}", "--duration", "0", "--quiet")
        wait_until("both are up to date", lambda: ask(world, "status")["devices"].get("UpToDate") == 2, timeout=90)
        yield world
    finally:
        world.stop()


def ask(world: World, *command: str) -> Any:
    return world.ask(*command)


def ran(world: World, command: str, *more: str, **options: Any) -> Done:
    """A command as it is written; FLEET is the working copy."""
    words = [str(world.remote.work) if word == "FLEET" else word for word in command.split()]
    if "--revision" in words:
        words[words.index("HEAD")] = world.remote.head()[:9]
    return world.guru(*words, *more, check=False, **options)


@pytest.mark.parametrize("command", [*LISTS, *THINGS])
def test_every_format_of_every_verb_is_what_it_says(command: str, lab: World) -> None:
    documents = [json.loads(ran(lab, command, "-o", "json").out), yaml.safe_load(ran(lab, command, "-o", "yaml").out)]
    lines = [json.loads(line) for line in ran(lab, command, "-o", "ndjson").out.splitlines()]
    rows = list(csv.reader(io.StringIO(ran(lab, command, "-o", "csv").out)))
    named, found = ran(lab, command, "-o", "name"), ran(lab, command, "-o", "jsonpath=.apiVersion")

    assert [document["apiVersion"] for document in documents] == ["guru/v1", "guru/v1"]
    assert all(isinstance(line, dict) for line in lines)
    assert len({len(row) for row in rows}) <= 1
    assert (named.exit_code, found.exit_code, found.out) == (0, 0, "guru/v1\n")


OFFLINE = {"init", "fmt", "schema", "diff", "render", "test",         # tests/cli proves what needs no server
           "alias set", "alias list", "alias rm", "man",
           "secrets rotate", "secrets recipients rm", "import tactical", "import fleet"}
OWN = {"ci", "apply", "rollback", "wait", "drift",            # test_pipeline.py; then others
       "secrets edit", "secrets check", "secrets recipients list", "secrets recipients add",
       "enroll pending approve", "enroll pending deny", "device quarantine", "device release", "device rotate-key",
       "alert show", "alert ack", "maint start", "maint end", "export", "import server", "software show",
       "events", "listen", "webhook list", "webhook test", "webhook deliveries", "webhook redeliver"}   # test_events.py
RIGHTS = {"access request", "access list", "access approve", "access deny", "access revoke", "access break-glass",
          "access review", "approval list", "approval show", "approval approve", "approval deny"}    # test_rights.py
PEOPLE = {"session list", "session revoke", "password", "mfa status", "mfa setup", "mfa verify", "mfa recovery",
          "mfa disable", "user list", "user invite", "user lock", "user unlock",        # test_signing_in.py
          "passkey add", "passkey list", "passkey rm",      # test_passkeys.py
          "client create", "client list", "client revoke",  # tests/server/rights/test_clients.py
          "session approve"}                                # tests/server/accounts/test_device.py
JOBS = {"run", "query", "job list", "job show", "job watch", "job output", "job cancel", "job rerun",
        "script list", "script show", "script run", "vpn diagnose", "ls", "cat", "tail", "cp", "rm",
        "schedule cancel"}  # test_jobs.py, test_query.py, test_files.py, test_schedules.py


def test_the_walk_leaves_out_only_what_ends_something() -> None:
    walked = {" ".join(verb.path) for verb in VERBS
              if any(line.startswith(" ".join(verb.path)) for line in (*LISTS, *THINGS))}

    assert {" ".join(verb.path) for verb in VERBS} - walked - OFFLINE - OWN - JOBS - PEOPLE - RIGHTS == {
        "device revoke", "key create", "key revoke", "enroll token create", "enroll token revoke", "login", "logout",
        "override set", "override rm"}


def test_what_the_walk_left_out_works_in_its_order(lab: World, tmp_path: Path) -> None:
    mine = {"GURU_CONFIG": str(tmp_path / "config.json")}
    assert lab.guru("login", lab.url, "--pin", lab.pin, env={**mine, "GURU_TOKEN": lab.token}).exit_code == 0
    made = ask(lab, "enroll", "token", "create", "--customer", "acme", "--site", "hq", "--ttl", "1h")
    revoked = lab.guru("enroll", "token", "revoke", made["row"]["id"], "-o", "json")
    place = tmp_path / "token"
    place.write_text(made["token"])
    joined = subprocess.run(
        [BIN / "guru-agent", "enroll", "--token-file", place, "--name", "late", "--state", tmp_path / "state",
         "--root", tmp_path], capture_output=True, text=True, timeout=60)
    out = lab.guru("logout", env=mine)
    gone = lab.guru("whoami", env=mine, check=False)

    assert json.loads(revoked.out)["revoked"] is True
    assert joined.returncode != 0
    assert (out.exit_code, gone.exit_code) == (0, 4)


def test_each_ending_has_the_exit_code_of_the_contract_and_says_why_in_json(lab: World, tmp_path: Path) -> None:
    viewer = subprocess.run(
        [BIN / "guru-server", "token", "create", "vera", "--role", "viewer"],
        env={**os.environ, **lab.server_env()}, capture_output=True, text=True, timeout=60, check=True).stdout
    token = next(word for word in viewer.split() if word.startswith("gurut_"))
    broken = tmp_path / "broken"
    shutil.copytree(lab.remote.work, broken, ignore=shutil.ignore_patterns(".git"))
    (broken / "org" / "bad.yaml").write_text("kind: Polcy\n")
    empty = tmp_path / "empty"
    shutil.copytree(lab.remote.work, empty, ignore=shutil.ignore_patterns(".git", "birch", "acme", "groups", "tests"))
    stranger = {"GURU_CONFIG": str(tmp_path / "none.json")}
    endings = {
        2: ran(lab, "device list --state Sleepy -o json"),
        4: ran(lab, "device list -o json", env=stranger),
        5: ran(lab, "device show nobody -o json"),
        7: ran(lab, "status -o json", env={"GURU_URL": "https://127.0.0.1:1", "GURU_TOKEN": "x"}),
        8: ran(lab, f"device label {PC} role=x -o json", env={"GURU_TOKEN": token, "GURU_URL": ""}),
    }
    told = {code: json.loads(done.out)["error"] for code, done in endings.items()}
    plans = {10: ran(lab, f"plan {broken} -o json"), 8: ran(lab, f"plan {empty} -o json")}

    assert {code: done.exit_code for code, done in endings.items()} == {code: code for code in endings}
    assert {code: error["exitCode"] for code, error in told.items()} == {code: code for code in endings}
    assert {code: done.exit_code for code, done in plans.items()} == {10: 10, 8: 8}
    assert ran(lab, f"validate {broken}").exit_code == 10
    assert json.loads(plans[8].out)["guards"]


def test_a_plan_with_differences_ends_with_3_only_when_asked(lab: World, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    shutil.copytree(lab.remote.work, fleet, ignore=shutil.ignore_patterns(".git"))

    assert ran(lab, f"plan {fleet} --exit-code").exit_code == 0
    (fleet / HOURS).write_text(OPEN)
    assert ran(lab, f"plan {fleet}").exit_code == 0
    assert ran(lab, f"plan {fleet} --exit-code").exit_code == 3


def test_sync_waits_and_tells_when_the_deadline_passed(lab: World) -> None:
    agent = lab.children[f"agent {PC}"]
    agent.signal(signal.SIGSTOP)
    try:
        lab.remote.push("Open", {HOURS: OPEN})
        late = ran(lab, "sync --wait --timeout 100ms -o json")
    finally:
        agent.signal(signal.SIGCONT)
    there = ran(lab, "sync --wait --timeout 90s -o json")

    assert late.exit_code == 7
    assert there.exit_code == 0
    assert json.loads(there.out)["devices"]["UpToDate"] == 2


def test_sync_ends_with_6_when_a_customer_is_held(lab: World) -> None:
    lab.remote.push("Break birch", {"customers/birch/broken.yaml": "kind: Polcy\n"})
    held = ran(lab, "sync")
    lab.remote.push("Mend birch", {"customers/birch/broken.yaml": None})
    mended = ran(lab, "sync --wait --timeout 90s")

    assert (held.exit_code, mended.exit_code) == (6, 0)
    assert "birch" in held.out + held.err


def test_explain_names_the_file_and_line_that_the_repository_has(lab: World) -> None:
    winner = ask(lab, "explain", PC, "checks.disk.critical")["candidates"][0]
    line = (lab.remote.work / winner["path"]).read_text().splitlines()[winner["line"] - 1]

    assert "critical" in line
    assert ran(lab, f"explain {PC} checks.dsk.critical").exit_code == 5


def test_a_name_that_two_sites_have_is_a_conflict(lab: World) -> None:
    before = set(lab.children)
    child = lab.simulate(1, "birch", "hq", "--names", PC, "--duration", "0", "--quiet")
    wait_until("two have that name", lambda: ran(lab, f"device show {PC}").exit_code == 9, timeout=60)
    full = ran(lab, f"device show acme/hq/{PC}")
    child.stop()
    gone = ran(lab, f"device revoke birch/hq/{PC} --yes")

    assert (full.exit_code, gone.exit_code) == (0, 0)
    assert ran(lab, f"device show {PC}").exit_code == 0
    assert before <= set(lab.children)


def test_the_alert_that_ended_is_listed_among_all(lab: World) -> None:
    broken = lab.folder / "agents" / PC / "root" / "var" / "lib" / "office" / "broken"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.touch()
    wait_until("it fires", lambda: bool(ask(lab, "alert", "list")["items"]), timeout=60)
    broken.unlink()
    wait_until("it ends", lambda: not ask(lab, "alert", "list")["items"], timeout=60)

    assert [row["state"] for row in ask(lab, "alert", "list", "--state", "all")["items"]] == ["resolved"]


ZSH = """autoload -Uz compinit; compinit -u -D; source <(guru completion zsh)
[[ $_comps[guru] = _guru ]] || exit 1
_describe() { print -l -- $found }
words=(guru device s) CURRENT=3; _guru"""
BASH = """source <(guru completion bash)
COMP_WORDS=(guru device s) COMP_CWORD=2; _guru; printf '%s\\n' "${COMPREPLY[@]}" """
FISH = """guru completion fish | source; complete -C 'guru device s'"""


@pytest.mark.parametrize("argv", [("bash", "-c", BASH), ("zsh", "-fc", ZSH), ("fish", "--no-config", "-c", FISH)],
                         ids=lambda argv: argv[0])
def test_the_real_shells_load_completion_and_offer_a_verb(argv: tuple[str, ...], lab: World, tmp_path: Path) -> None:
    env = {**lab.guru_env(), "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)

    assert done.stdout.split()[:1] == ["show"] or done.stdout.startswith("show"), done.stderr
