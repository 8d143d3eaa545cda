"""Somebody signs in at a real server with a password and a second factor, and is put out again."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from tools.lab.world import BIN, World

pytestmark = pytest.mark.e2e

WORDS = "four words in a row"
PEOPLE = """apiVersion: guru/v1
kind: Person
metadata: {name: bo}
spec: {groups: [helpdesk]}
---
apiVersion: guru/v1
kind: Role
metadata: {name: look}
spec: {rules: {look: {verbs: [device.read]}}}
---
apiVersion: guru/v1
kind: Binding
metadata: {name: helpdesk}
spec: {subjects: [group:helpdesk], role: look, scope: org}
"""


class Hands:
    """Somebody at a terminal: what is asked for is answered in turn, nothing else is."""

    def __init__(self, world: World, config: Path) -> None:
        self.world = world
        self.env = {**os.environ, "GURU_CONFIG": str(config), "GURU_KEYRING": "off", "GURU_URL": "", "GURU_TOKEN": "",
                    "XDG_CACHE_HOME": str(config.parent), "TERM": "dumb"}

    def type(self, *words: str, answers: dict[str, str]) -> str:
        """What was said, at the end; each question is answered once."""
        main, side = pty.openpty()
        child = subprocess.Popen([BIN / "guru", *words], stdin=side, stdout=side, stderr=side, env=self.env,
                                 close_fds=True, start_new_session=True)
        os.close(side)
        said, asked, until = "", dict(answers), time.monotonic() + 60
        while time.monotonic() < until:
            ready, _, _ = select.select([main], [], [], 0.2)
            if ready:
                try:
                    piece = os.read(main, 4096).decode(errors="replace")
                except OSError:
                    break
                if not piece:
                    break
                said += piece
            for question in [one for one in asked if one in said]:
                answer = asked.pop(question)
                os.write(main, (answer(said) if callable(answer) else answer).encode() + b"\n")
        code = child.wait(30)
        os.close(main)
        assert code == 0, said
        assert not asked, (asked, said)
        return said

    def guru(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([BIN / "guru", *words], env=self.env, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("signing-in"))
    try:
        world.remote.create(Path(__file__).parents[2] / "examples" / "small-office")
        world.remote.push("Name people", {"org/people.yaml": PEOPLE})
        world.prepare()
        world.start_server()
        world.sign_in()
        world.guru("sync", "--wait", "--timeout", "60s")
        yield world
    finally:
        world.stop()


def test_a_person_comes_in_by_an_invitation_and_shows_two_factors(lab: World, tmp_path: Path) -> None:
    hands = Hands(lab, tmp_path / "laptop" / "config.json")
    code = lab.guru("user", "invite", "bo", "-o", "jsonpath=.invitation").out.strip()
    into = ("login", lab.url, "--pin", lab.pin, "--user", "bo", "--context", "lab")
    hands.type(*into, "--invitation", answers={"Invitation:": code, "New password:": WORDS, "Once more:": WORDS})
    me = json.loads(hands.guru("whoami", "-o", "json").stdout)
    secrets = list((tmp_path / "laptop" / "sessions").glob("*.json"))

    assert (me["name"], [role["role"] for role in me["roles"]]) == ("bo", ["look"])     # by the group
    assert [oct(path.stat().st_mode & 0o777) for path in secrets] == ["0o600"]

    secret = ""

    def from_the_screen(said: str) -> str:
        nonlocal secret
        secret = said.partition("authenticator: ")[2].split()[0]
        return pyotp.TOTP(secret).now()

    said = hands.type("mfa", "setup", answers={"shows now:": from_the_screen})      # type: ignore[dict-item]  # an answer that looks
    recovery = [line.strip() for line in said.splitlines() if line.startswith("  ") and line.count("-") == 1]
    desktop = Hands(lab, tmp_path / "desktop" / "config.json")
    desktop.type(*into, answers={"Password of bo:": WORDS, "second factor:": recovery[0]})
    sessions = json.loads(hands.guru("session", "list", "-o", "json").stdout)["items"]
    other = next(one for one in sessions if not one["current"])

    assert len(recovery) == 10
    assert other["mfa_at"]
    assert hands.guru("session", "revoke", other["id"]).returncode == 0
    assert desktop.guru("whoami").returncode == 4
    assert hands.guru("device", "list").returncode == 0
    assert hands.guru("key", "list").returncode == 8            # nobody gave bo that
    assert lab.guru("user", "lock", "bo", "--reason", "left").exit_code == 0
    locked = hands.guru("device", "list")
    assert locked.returncode == 4
    assert "locked: left" in locked.stderr
    assert hands.guru("logout").returncode == 0
    assert list((tmp_path / "laptop" / "sessions").glob("*")) == []


def test_many_commands_at_once_do_not_burn_each_others_refresh_token(lab: World, tmp_path: Path) -> None:
    hands = Hands(lab, tmp_path / "config.json")
    made = subprocess.run([BIN / "guru-server", "admin", "create", "ops", "--data", lab.folder / "server"],
                          capture_output=True, text=True, timeout=60, check=True)
    hands.type("login", lab.url, "--pin", lab.pin, "--user", "ops", "--context", "lab", "--invitation", answers={
        "Invitation:": made.stdout.strip(), "New password:": WORDS, "Once more:": WORDS})
    [kept] = (tmp_path / "sessions").glob("*.json")
    held = json.loads(kept.read_text())
    kept.write_text(json.dumps(held | {"expires_at": 0}))       # as if ten minutes had gone by
    running = [subprocess.Popen([BIN / "guru", "user", "list", "-o", "name"], env=hands.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for _ in range(6)]
    ended = [(child.communicate(timeout=60), child.returncode) for child in running]

    assert [code for _, code in ended] == [0] * 6, ended
    assert json.loads(kept.read_text())["refresh"] != held["refresh"]
