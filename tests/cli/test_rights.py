"""Rights on the command line: a no is exit 8 with its rule, and what a plan gives and takes is shown."""

from __future__ import annotations

import json

import pytest

from guru_policy.errors import UsageWrong
from guru_wire.access import AccessAnswer, Reason, RightsDiffer, RoleHeld
from guru_wire.operator import WhoAmI
from gurucli.commands.access.sentence import Question, read
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double, problem


def test_a_no_is_exit_8_with_rule_place_and_what_is_unmet(guru: Guru, double: Double) -> None:
    double.answers["GET /access/can"] = AccessAnswer(
        verb="shell.open", about="@acme", allowed=False, devices=3, allowed_devices=1, told="no", reasons=(Reason(
            allowed=False, devices=2, why="unmet", role="tech", rule="shell", binding="ada", at="org/roles.yaml:14",
            revision=canned.REVISION, unmet=("no ticket is named",)),))
    told = guru("can", "shell.open", "-l", "@acme", "-o", "table")
    document = guru("can", "shell.open", "-l", "@acme", "-o", "json")

    assert (told.code, document.code) == (8, 8)
    assert "org/roles.yaml:14" in told.out
    assert "no ticket is named" in told.out
    assert json.loads(document.out)["allowed_devices"] == 1
    assert double.requests("GET", "/access/can")[0].query == {"verb": "shell.open", "selector": "@acme"}


def test_whoami_names_the_roles_that_bindings_give(guru: Guru, double: Double) -> None:
    double.answers["GET /whoami"] = WhoAmI(
        name="tom", tenant="main", role="", server_version="0.1.0",
        roles=(RoleHeld(role="tech", binding="tom", scope="customers/acme", at="org/roles.yaml:7"),))

    assert "tech" in guru("whoami", "-o", "csv").out
    assert json.loads(guru("whoami", "-o", "json").out)["roles"][0]["scope"] == "customers/acme"


def test_pages_on_a_terminal_say_it_in_words(guru: Guru, double: Double) -> None:
    double.answers["GET /whoami"] = WhoAmI(
        name="tom", tenant="main", role="", server_version="0.1.0", verbs=("device.read",), scope="customers/acme",
        roles=(RoleHeld(role="tech", binding="tom", scope="customers/acme", at="org/roles.yaml:7"),))
    double.answers["POST /plans"] = canned.plan(rights=(
        RightsDiffer(subject="user:eve", scope="org", gains=tuple("abcdefg"), loses=("device.read",)),))
    who = guru("whoami", columns=100).out
    can = guru("can", "device.label", "-l", "@acme", columns=100).out
    why = guru("access", "explain", "ada", "shell.open", "web01", columns=160).out
    plan = guru("plan", "--revision", canned.REVISION, columns=100).out

    assert "tech in customers/acme by binding tom" in who
    assert "this token is only for device.read in customers/acme" in who
    assert "yes: device.label on @acme (2 devices)" in can
    assert "user:ada may not shell.open on web01" in why
    assert "a token of that name has the fixed role viewer" in why
    assert "user:eve in org" in plan
    assert "and 2 rights more" in plan


def test_a_plan_carries_who_gains_and_who_loses(guru: Guru, double: Double) -> None:
    double.answers["POST /plans"] = canned.plan(rights=(
        RightsDiffer(subject="user:eve", scope="org", gains=("policy.apply",), loses=("device.read",)),))
    document = json.loads(guru("plan", "--revision", canned.REVISION, "-o", "json").out)

    assert document["rights"] == [
        {"subject": "user:eve", "scope": "org", "gains": ["policy.apply"], "loses": ["device.read"]}]


def test_doctor_finds_nothing_wrong_with_whoever_may_not_see_the_servers_health(guru: Guru, double: Double) -> None:
    double.answers["GET /doctor"] = problem(403, "G0403", "no rule allows it", 8)
    lines = {line["name"]: line["ok"] for line in json.loads(guru("doctor", "-o", "json").out)["lines"]}

    assert lines["server"] is True


def test_a_question_may_be_a_sentence() -> None:
    assert read(["I", "run", "script", "reboot", "on", "@acme"]) == Question(
        "command.run", selector="@acme", script="reboot")
    assert read(["i", "run", "on", "web01"]) == Question("command.run", device="web01")
    assert read(["device.label", "web01"]) == Question("device.label", device="web01")
    with pytest.raises(UsageWrong):
        read(["device.label", "web01", "web02"])
