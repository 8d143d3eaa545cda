"""`guru override`: words become values as YAML reads them, and one question asks for as many devices as may change."""

from __future__ import annotations

import json

import pytest

from guru_policy.errors import UsageWrong
from gurucli.answers import Json
from gurucli.commands.override.set import parse
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double

LASTING = ("--ttl", "4h", "--reason", "the archive")


@pytest.mark.parametrize(("word", "path", "value"), [
    ("checks.disk.warning=80%", "checks.disk.warning", "80%"),
    ("agent.heartbeat=30", "agent.heartbeat", 30),
    ("resources.motd.observe=true", "resources.motd.observe", True),
    ("resources.motd.content=yes", "resources.motd.content", "yes"),
    ("resources.motd.content=a=b", "resources.motd.content", "a=b"),
    ("resources.motd.content=\"a: b # c\"", "resources.motd.content", "a: b # c"),
    ("resources.motd.content=@home", "resources.motd.content", "@home"),
    ("resources.motd.mode='0644'", "resources.motd.mode", "0644"),
    ("resources.motd.after=[a, b]", "resources.motd.after", ["a", "b"]),
    ("checks.mem={kind: memory, warning: 90%}", "checks.mem", {"kind": "memory", "warning": "90%"}),
    ("resources.motd-", "resources.motd", {"$remove": True}),
    ("checks.disk={$remove: true}", "checks.disk", {"$remove": True}),
    ("mode=observe", "mode", "observe"),
])
def test_a_word_is_a_value_as_in_yaml(word: str, path: str, value: Json) -> None:
    assert parse([word]) == {path: value}


@pytest.mark.parametrize("words", [
    [], ["checks.disk"], ["=80%"], ["-"], ["a.b=1", "a.b=2"], ["a.b={"], ["a.b=x: y"], ["a.b=1\nc: 2"], ["a.b=\x1b"],
])
def test_a_word_that_is_none_is_told(words: list[str]) -> None:
    with pytest.raises(UsageWrong):
        parse(words)


def test_a_device_is_named_by_its_id_and_needs_no_question(guru: Guru, double: Double) -> None:
    done = guru("override", "set", "web01", "checks.disk.warning=80%", "checks.cpu-", *LASTING, "-o", "json")

    assert done.code == 0, done.err
    assert [asked.body for asked in double.requests("POST", "/overrides")] == [{
        "selector": f"id={canned.ID}", "values": {"checks.disk.warning": "80%", "checks.cpu": {"$remove": True}},
        "ttl": 14_400, "reason": "the archive", "max_devices": 1}]


def test_a_selector_needs_a_yes_with_a_bound(guru: Guru, double: Double) -> None:
    words = ("override", "set", "-l", "@acme", "checks.disk.warning=80%", *LASTING)
    refused = guru(*words, "--yes")
    fewer = guru(*words, "--yes", "--max-devices", "1")
    done = guru(*words, "--yes", "--max-devices", "2")

    assert (refused.code, fewer.code, done.code) == (2, 8, 0)
    assert [asked.body["max_devices"] for asked in double.requests("POST", "/overrides")] == [2]


@pytest.mark.parametrize("ttl", ["5s", "31d", "0", "soon"])
def test_no_override_lasts_for_ever_or_for_nothing(ttl: str, guru: Guru, double: Double) -> None:
    done = guru("override", "set", "web01", "checks.disk.warning=80%", "--ttl", ttl, "--reason", "x")

    assert done.code == 2
    assert double.asked == []


def test_one_value_of_one_device_is_ended_by_its_path(guru: Guru, double: Double) -> None:
    done = guru("override", "rm", "web01", "checks.disk.warning", columns=100)

    (asked,) = double.requests("DELETE", "/overrides/0123456789abcdef")
    assert done.code == 0, done.err
    assert asked.query == {"device": canned.ID, "path": "checks.disk.warning"}
    assert "is what Git says again" in done.out


def test_a_path_that_is_not_overridden_names_those_that_are(guru: Guru) -> None:
    done = guru("override", "rm", "web01", "checks.cpu", "-o", "json")

    assert done.code == 5
    assert "checks.disk.warning" in json.loads(done.out)["error"]["hint"]


def test_the_list_says_who_until_when_and_why(guru: Guru, double: Double) -> None:
    shown = guru("override", "list", columns=140).out
    guru("override", "list", "--expired", "-l", "@acme")

    assert "ends in" in shown
    assert "the archive" in shown
    assert [asked.query.get("ended") for asked in double.requests("GET", "/overrides")] == [None, "true"]


def test_a_device_shows_what_is_overridden_on_it(guru: Guru) -> None:
    assert "checks.disk.warning = 80%" in guru("device", "show", "web01", columns=120).out


def test_drift_counts_them_beside_its_rows(guru: Guru) -> None:
    done = guru("drift", columns=120)

    assert "1 override in force" in done.err


def test_a_render_has_what_the_device_has(guru: Guru, double: Double) -> None:
    detail = canned.detail()
    row = canned.override(path="agent.heartbeat", value="17s")
    double.answers["GET /devices/web01"] = detail.model_copy(update={"overrides": (row,)})
    done = guru("render", "web01", "--revision", "examples/small-office/", "--provenance", "-o", "json")

    document = json.loads(done.out)
    assert document["agent"]["heartbeat"] == 17
    assert document["provenance"]["agent.heartbeat"].startswith("override by ada until ")
