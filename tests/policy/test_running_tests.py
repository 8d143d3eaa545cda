"""Objects of kind Test, run: every kind of claim can hold, and can fail with both sides and the places."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.testing.covering import Coverage, coverage
from guru_policy.testing.outcome import Outcome
from guru_policy.testing.running import Ran, Runner
from tests.policy.writing import fleet, policy, written

DISK = policy("base", "checks:\n  disk: {kind: disk_space, warning: 85%}\n  cpu: {kind: cpu}")
NOC = written("NotificationChannel", "noc", "{type: email, to: [noc@msp.example]}")
RULE = written("AlertRule", "disk-full", "{check: disk*, state: warning, for: 10m, keepFiring: 5m, notify: [noc]}")
FILES = {"org/base.yaml": DISK, "org/noc.yaml": NOC, "org/rule.yaml": RULE}
DEVICE = "device: {customer: acme, site: hq, name: pc1, facts: {os: linux}}"
STORY = "series: {disk: ok*5 warning:90*20 ok*20}\n"


def ran(spec: str, files: dict[str, str] | None = None) -> Ran:
    found = fleet({**FILES, **(files or {}), "org/t.yaml": written("Test", "t", f"{DEVICE}\n{spec}")})
    assert found.faults == ()
    return Runner(found, {}).run()


def failures(spec: str, files: dict[str, str] | None = None) -> list[str]:
    (outcome,) = ran(spec, files).outcomes
    return [f"{one.origin}: {one.message}" for one in outcome.failures]


@pytest.mark.parametrize("spec", [
    "expect: {checks.disk.warning: 85, checks.cpu.kind: cpu, agent.heartbeat: 60}",
    "absent: [checks.memory, resources.x]",
    f"{STORY}timeline: [{{at: 0s, alert: disk-full, state: inactive, notified: []}}]",
    f"{STORY}timeline: [{{at: 5m, alert: disk-full, state: pending}}, {{at: 14m59s, alert: disk-full, state: pending}},"
    " {at: 15m, alert: disk-full, state: firing, notified: [noc]}, {at: 29m, alert: disk-full, state: firing},"
    " {at: 30m, alert: disk-full, state: resolved, notified: [noc], check: disk}]",
])
def test_claims_that_hold_pass(spec: str) -> None:
    assert failures(spec) == []


@pytest.mark.parametrize(("spec", "failure"), [
    ("expect: {checks.disk.warning: 90}",
     "org/t.yaml:6:33: checks.disk.warning: expected 90, got 85, by org/base.yaml:6:39 (org)"),
    ("expect: {agent.heartbeat: 5}", "org/t.yaml:6:29: agent.heartbeat: expected 5, got 60, by built-in"),
    ("expect: {checks.disc.warning: 90}",
     "org/t.yaml:6:33: checks.disc.warning: expected 90, got nothing"),
    ("expect: {checks.disk.warning: '85'}",
     "org/t.yaml:6:33: checks.disk.warning: expected \"85\", got 85, by org/base.yaml:6:39 (org)"),
    ("absent: [checks.disk.warning]",
     "org/t.yaml:6:12: checks.disk.warning: expected nothing, got 85, by org/base.yaml:6:39 (org)"),
    ("refused: at the same rank", "org/t.yaml:6:12: refused: expected a fault that says `at the same rank`, "
                                  "got a device that compiles"),
    (f"{STORY}timeline: [{{at: 5m, alert: disk-full, state: firing}}]",
     "org/t.yaml:7:48: at 5m: disk-full: expected firing, got pending since 5m, by org/rule.yaml:1:1 (org/disk-full)"),
    (f"{STORY}timeline: [{{at: 20m, alert: disk-full, notified: []}}]",
     "org/t.yaml:7:42: at 20m: disk-full: expected nobody notified, got notified `noc`, "
     "by org/rule.yaml:1:1 (org/disk-full)"),
    ("series: {cpu: ok}\ntimeline: [{at: 1m, alert: disk-full, state: inactive}]",
     "org/t.yaml:7:14: at 1m: disk-full: expected a series of check `disk*`, which the rule is about, got none"),
    ("series: {disk: ok, disk-2: ok}\ntimeline: [{at: 1m, alert: disk-full, state: inactive}]",
     "org/t.yaml:6:30: series.disk-2: expected a check of the device, got no such check"),
])
def test_a_claim_that_does_not_hold_says_where_and_who_decided(spec: str, failure: str) -> None:
    assert failure in failures(spec)


def test_a_rule_over_several_series_has_to_be_told_which() -> None:
    both = {"org/more.yaml": policy("more", "checks: {disk-data: {kind: disk_space, path: /data}}")}
    series = "series: {disk: ok, disk-data: critical*30}\n"

    assert failures(f"{series}timeline: [{{at: 20m, alert: disk-full, state: firing, check: disk-data}}]", both) == []
    assert "the rule watches several" in failures(
        f"{series}timeline: [{{at: 20m, alert: disk-full, state: firing}}]", both)[0]


def test_a_rule_that_leaves_the_device_out_stays_inactive() -> None:
    elsewhere = {"org/rule.yaml": RULE.replace("{check", "{selector: 'os=windows', check")}

    assert failures(f"{STORY}timeline: [{{at: 20m, alert: disk-full, state: inactive, notified: []}}]", elsewhere) == []
    assert "whose selector leaves this device out" in failures(
        f"{STORY}timeline: [{{at: 20m, alert: disk-full, state: firing}}]", elsewhere)[0]


CONFLICT = {"org/other.yaml": policy("other", "checks: {disk: {warning: 70%}}")}


def test_a_refusal_can_be_claimed_and_missed() -> None:
    assert failures("refused: at the same rank", CONFLICT) == []
    assert failures("refused: no such text", CONFLICT)[0].startswith(
        "org/t.yaml:6:12: refused: expected a fault that says `no such text`, got checks.disk.warning is `70%` here")


def test_a_device_that_does_not_compile_fails_every_other_claim() -> None:
    (found,) = failures("absent: [checks.memory]", CONFLICT)

    assert found.startswith("org/t.yaml:5:3: device pc1: expected a device that compiles, got checks.disk.warning is")
    assert ", by org/other.yaml:5:28" in found


def test_tests_are_chosen_by_name() -> None:
    files = {f"org/{name}.yaml": written("Test", name, f"{DEVICE}\nabsent: [checks.x]") for name in ("one", "two")}
    runner = Runner(fleet(FILES | files), {})

    assert [outcome.key.name for outcome in runner.run().outcomes] == ["one", "two"]
    assert [outcome.key.name for outcome in runner.run(re.compile("^t")).outcomes] == ["two"]
    assert runner.run(re.compile("three")).outcomes == ()


def covered(spec: str, files: dict[str, str] | None = None) -> Coverage:
    found = fleet({**FILES, **(files or {}), "org/t.yaml": written("Test", "t", f"{DEVICE}\n{spec}")})
    return coverage(found, Runner(found, {}).run().exercised)


def test_a_leaf_is_covered_by_a_claim_about_the_value_it_decides() -> None:
    mine = {"customers/acme/p.yaml": policy("mine", "checks: {disk: {warning: 70%}, cpu: {$remove: true}}")}
    rows = {row.name: row for row in covered("expect: {checks.disk.warning: 70}\nabsent: [checks.cpu]", mine).rows}

    assert (rows["mine"].covered, rows["mine"].total, rows["mine"].missing) == (2, 2, ())
    assert rows["base"].missing == ("checks.disk.kind", "checks.disk.warning", "checks.cpu.kind")
    assert rows["base"].applied
    assert rows["disk-full"].covered == 0


def test_a_rule_is_covered_by_a_claim_that_something_becomes_of_it() -> None:
    quiet = covered(f"{STORY}timeline: [{{at: 1m, alert: disk-full, state: inactive}}]")
    loud = covered(f"{STORY}timeline: [{{at: 20m, alert: disk-full, state: firing}}]")

    assert (quiet.covered, loud.covered, loud.total) == (0, 1, 5)
    assert loud.share == 0.2


def test_a_file_is_covered_by_a_claim_about_who_carries_it() -> None:
    files = {"files/motd.txt": "hello\n", "org/motd.yaml": policy(
        "motd", "resources: {motd: {kind: file, path: /etc/motd, source: files/motd.txt}}")}
    found = fleet({**FILES, **files, "org/t.yaml": written(
        "Test", "t", f"{DEVICE}\nexpect: {{resources.motd.digest: {'0' * 64}}}")})
    run = Runner(found, {"files/motd.txt": "0" * 64}).run()

    assert [one.failures for one in run.outcomes if isinstance(one, Outcome)] == [()]
    assert [row.covered for row in coverage(found, run.exercised).rows if row.kind == "file"] == [1]


WORDS = st.sampled_from(["checks", "disk", "kind", "warning", "cpu", "x", "0", "digest", "source", "mode", "heartbeat"])
PATHS = st.builds(
    lambda section, steps: ".".join([section, *steps]),
    st.sampled_from(["agent", "checks", "resources", "actions", "categories", "branding"]), st.lists(WORDS, max_size=4))
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-2**63, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab\u00e9'\"{[", max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2), max_leaves=4)


@settings(max_examples=150, deadline=None)
@given(expect=st.dictionaries(PATHS, DATA, min_size=1, max_size=4), absent=st.lists(PATHS, max_size=3))
def test_whatever_is_claimed_about_whatever_path_there_is_an_answer(
    expect: dict[str, object], absent: list[str]
) -> None:
    more = {"org/motd.yaml": policy("motd", "resources: {x: {kind: file, path: /etc/motd, content: hi}}")}
    missing = json.dumps(sorted(set(absent) - expect.keys()))
    found = fleet({**FILES, **more, "org/t.yaml": written(
        "Test", "t", f"{DEVICE}\nexpect: {json.dumps(expect)}\nabsent: {missing}")})
    (outcome,) = Runner(found, {}).run().outcomes

    assert found.faults == ()
    assert len(outcome.failures) <= outcome.claims
    assert all(failure.origin.line for failure in outcome.failures)
