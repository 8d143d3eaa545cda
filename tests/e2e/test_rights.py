"""Roles from a real push: a binding lets somebody in, its end shuts them out at once, and no customer sees another."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tools.lab.office import office, settle
from tools.lab.world import BIN, Done, World, wait_until

pytestmark = pytest.mark.e2e

ROLE = """apiVersion: guru/v1
kind: Role
metadata: {name: desk}
spec:
  rules:
    look: {verbs: [device.read, alert.read, policy.plan]}
    label: {verbs: [device.label], conditions: {ticket: true}}
"""
BINDING = """apiVersion: guru/v1
kind: Binding
metadata: {name: tom}
spec: {subjects: [user:tom, key:robot], role: desk, scope: customers/acme}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small office with one simulated device of each customer."""
    with office(tmp_path_factory.mktemp("rights")) as made:
        for customer in ("acme", "birch"):
            made.simulate(1, customer, "hq", "--names", f"{customer}-pc", "--duration", "0", "--quiet")
        wait_until("both are there", lambda: made.get("/devices")["total"] == 2, timeout=90)
        yield made


def token(world: World, *words: str) -> dict[str, str]:
    """The environment of whoever has a new token."""
    made = subprocess.run(
        [BIN / "guru-server", "token", "create", *words], env={**os.environ, **world.server_env()},
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout
    return {"GURU_TOKEN": made.strip(), "GURU_URL": ""}


def asked(world: World, env: dict[str, str], *words: str) -> Done:
    return world.guru(*words, "-o", "json", env=env, check=False)


def push(world: World, message: str, files: dict[str, str | bytes | None]) -> Any:
    """Push, and have it in force."""
    world.remote.push(message, files)
    return json.loads(world.guru("sync", "-o", "json").out)


def test_a_binding_lets_in_and_its_end_shuts_out_at_once(world: World) -> None:
    tom = token(world, "tom", "--role", "bindings")
    before = asked(world, tom, "device", "list")
    push(world, "Let tom in", {"org/desk.yaml": ROLE, "org/tom.yaml": BINDING})
    inside = json.loads(asked(world, tom, "device", "list").out)
    who = asked(world, tom, "whoami")
    status, plan = asked(world, tom, "status"), asked(world, tom, "plan", "--revision", world.remote.head()[:9])
    hidden = asked(world, tom, "device", "show", "birch-pc")
    refused = asked(world, tom, "device", "label", "acme-pc", "tier=gold")
    ticketed = asked(world, tom, "device", "label", "acme-pc", "tier=gold", "--ticket", "T-1042")
    can = asked(world, tom, "can", "device.label", "-l", "@acme")
    why = json.loads(world.guru("access", "explain", "tom", "device.label", "acme-pc", "-o", "json").out)
    push(world, "Tom left\n\nGuru-Allow-Delete: 1", {"org/tom.yaml": None})
    after = asked(world, tom, "device", "list")

    assert (before.exit_code, after.exit_code) == (8, 8)
    assert [row["name"] for row in inside["items"]] == ["acme-pc"]
    assert json.loads(who.out)["roles"][0]["at"] == "org/desk.yaml:7"
    assert all("birch" not in done.out for done in (who, status, plan))
    assert hidden.exit_code == 5
    assert (refused.exit_code, ticketed.exit_code, can.exit_code) == (8, 0, 8)
    assert "rule label of role desk by binding tom (org/desk.yaml:7@" in refused.out
    assert (why["decided_by"]["rule"], why["unmet"]) == ("label", ["no ticket is named"])


def test_a_key_made_over_the_api_may_what_its_binding_says_and_ends(world: World) -> None:
    push(world, "Let the robot in", {"org/desk.yaml": ROLE, "org/tom.yaml": BINDING})
    made = json.loads(world.guru("key", "create", "robot", "--verb", "device.read", "-o", "json").out)
    robot = {"GURU_TOKEN": made["key"], "GURU_URL": ""}
    seen = json.loads(asked(world, robot, "device", "list").out)
    alerts = asked(world, robot, "alert", "list")
    world.guru("key", "revoke", made["row"]["id"])

    assert [row["name"] for row in seen["items"]] == ["acme-pc"]
    assert alerts.exit_code == 8
    assert asked(world, robot, "device", "list").exit_code == 4


def test_an_admin_of_the_machine_stays_one_whatever_git_says(world: World) -> None:
    deny = ROLE.replace("desk", "nothing").replace("look: {verbs: [device.read, alert.read, policy.plan]}",
                                                   "no: {effect: deny, verbs: ['*']}").rpartition("    label")[0]
    push(world, "Deny all", {"org/no.yaml": deny + "---\n" + BINDING.replace("desk", "nothing").replace(
        "name: tom", "name: no").replace("user:tom", "user:admin").replace("customers/acme", "org")})

    assert len(json.loads(world.guru("device", "list", "-o", "json").out)["items"]) == 2


CAREFUL = """apiVersion: guru/v1
kind: Role
metadata: {name: pair}
spec:
  rules:
    look: {verbs: [device.read, approval.give]}
    run: {verbs: [command.run], conditions: {approval: true}}
---
apiVersion: guru/v1
kind: Binding
metadata: {name: pair}
spec: {subjects: [user:ann, user:ben], role: pair, scope: customers/acme}
"""


def test_a_command_waits_for_a_second_person_and_runs_on_a_real_agent(world: World) -> None:
    settle(world, "acme-real")
    push(world, "Two by two", {"org/pair.yaml": CAREFUL})
    ann, ben = token(world, "ann", "--role", "bindings"), token(world, "ben", "--role", "bindings")
    refused = world.guru("run", "acme-real", "echo", "hello", env=ann, check=False)
    [waiting] = json.loads(asked(world, ben, "approval", "list", "--pending").out)["items"]
    own = asked(world, ann, "approval", "approve", waiting["id"])
    given = asked(world, ben, "approval", "approve", waiting["id"], "--reason", "fine")
    [job] = json.loads(asked(world, ann, "job", "list").out)["items"]
    watched = world.guru("job", "watch", job["id"], env=ann, check=False)

    assert (refused.exit_code, waiting["id"] in refused.err) == (8, True)
    assert own.exit_code == 8
    assert (given.exit_code, json.loads(given.out)["status"]) == (0, 201)
    assert watched.exit_code == 0
    assert "hello" in world.guru("job", "output", job["id"], "acme-real", env=ann).out
