"""`guru test` runs the tests of a folder offline: exit codes, places, coverage, reports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Guru
from tests.cli.double import Double

EXAMPLE = Path(__file__).parents[2] / "examples/small-office"
HEAD = "apiVersion: guru/v1\nkind: Test\nmetadata: {name: mine}\nspec:\n  device: {customer: acme, site: hq}\n"
READINGS = "  every: 5s\n  series: {intake-form: critical*9}\n"
WRONG = {
    "expect": HEAD + "  expect: {checks.disk.warning: 90}\n",
    "absent": HEAD + "  absent: [checks.disk]\n",
    "refused": HEAD + "  refused: never said\n",
    "state": HEAD + READINGS + "  timeline: [{at: 5s, alert: intake-form-broken, state: pending}]\n",
    "notified": HEAD + READINGS + "  timeline: [{at: 5s, alert: intake-form-broken, notified: []}]\n",
}
PLACES = {
    "expect": ("org/tests/mine.yaml:6:33: ", "by customers/acme/policies/practice.yaml:7:21 (customer acme)"),
    "absent": ("org/tests/mine.yaml:6:12: ", "by org/policies/baseline.yaml:9:5 (org)"),
    "refused": ("org/tests/mine.yaml:6:12: ", "got a device that compiles"),
    "state": ("org/tests/mine.yaml:8:57: ", "got firing since 0s, by org/alerts.yaml:9:1 (org/intake-form-broken)"),
    "notified": ("org/tests/mine.yaml:8:50: ", "got notified `desk`, by org/alerts.yaml:9:1 (org/intake-form-broken)"),
}


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A copy of the example, to be spoilt."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "office"))


def add(office: Path, text: str) -> None:
    (office / "org/tests/mine.yaml").write_text(text)


def test_the_example_passes_and_no_server_is_asked(guru: Guru, double: Double) -> None:
    result = guru("test", str(EXAMPLE))

    assert (result.code, double.asked) == (0, [])
    assert result.err.endswith("10 tests passed\n")
    assert "practice-pcs\torg\tpassed\t12\t0\torg/tests/practice.yaml\t2\t" in result.out


@pytest.mark.parametrize("claim", sorted(WRONG))
def test_each_kind_of_claim_can_fail_and_says_where(claim: str, guru: Guru, office: Path) -> None:
    add(office, WRONG[claim])
    place, decided = PLACES[claim]

    piped = guru("test", str(office))
    shown = guru("test", str(office), "--color=never", columns=500)
    document = json.loads(guru("test", str(office), "-o", "json").out)

    assert (piped.code, shown.code) == (10, 10)
    assert f"{place}test mine: " in piped.err
    assert f"{place}test mine: " in shown.out
    assert decided in shown.out
    assert not document["passed"]
    assert [test["name"] for test in document["tests"] if test["verdict"] == "failed"] == ["mine"]
    (mine,) = [test for test in document["tests"] if test["name"] == "mine"]
    assert decided.removeprefix("by ") in mine["failures"][0]["message"]


def test_a_fault_of_the_policy_is_found_by_the_test_that_claims_otherwise(guru: Guru, office: Path) -> None:
    policy = office / "customers/acme/policies/practice.yaml"
    policy.write_text(policy.read_text().replace("75%", "95%"))
    alerts = office / "org/alerts.yaml"
    alerts.write_text(alerts.read_text().replace("for: 10m", "for: 30m"))

    result = guru("test", str(office))

    assert result.code == 10
    assert "test practice-pcs: checks.disk.warning: expected 75, got 95" in result.err
    assert "test disks-that-fill: at 30m: disk-nearly-full: expected firing, got pending since 20m" in result.err


def test_no_test_that_ran_is_a_failure(guru: Guru, office: Path) -> None:
    none = guru("test", str(office), "--run", "^nothing$")
    shutil.rmtree(office / "org/tests")

    assert (none.code, guru("test", str(office)).code) == (10, 10)
    assert "no test ran" in none.err


def test_run_chooses_by_name(guru: Guru) -> None:
    chosen = json.loads(guru("test", str(EXAMPLE), "--run", "^(web-)?servers$", "-o", "json").out)

    assert [test["name"] for test in chosen["tests"]] == ["servers", "web-servers"]
    assert guru("test", str(EXAMPLE), "--run", "(").code == 2


def test_a_repository_with_faults_is_not_tested(guru: Guru, office: Path) -> None:
    add(office, "kind: Nonsense\n")

    result = guru("test", str(office))

    assert (result.code, result.out) == (10, "")
    assert "org/tests/mine.yaml" in result.err


def test_coverage_names_what_no_claim_is_about(guru: Guru) -> None:
    document = json.loads(guru("test", str(EXAMPLE), "--coverage", "-o", "json").out)
    parts = {(part["path"], part["name"]): part for part in document["coverage"]["parts"]}

    assert parts["customers/birch/policies/workshop.yaml", "workshop"]["percent"] == 100.0
    assert "checks.memory.warning" in parts["org/policies/baseline.yaml", "baseline"]["missing"]
    assert parts["org/alerts.yaml", "disk-nearly-full"]["covered"] == 1
    assert "coverage " in guru("test", str(EXAMPLE), "--coverage", columns=200).out


def test_coverage_below_the_minimum_fails(guru: Guru) -> None:
    share = json.loads(guru("test", str(EXAMPLE), "-o", "json").out)["coverage"]["percent"]

    assert guru("test", str(EXAMPLE), "--min", f"{share}%").code == 0
    below = guru("test", str(EXAMPLE), "--min", "99%")
    assert below.code == 10
    assert f"coverage is {share:g} %, and --min asks for 99 %" in below.err
    assert guru("test", str(EXAMPLE), "--min", "much").code == 2


def test_reports_carry_tests_and_failures(guru: Guru, office: Path, tmp_path: Path) -> None:
    add(office, WRONG["expect"])

    result = guru("test", str(office), "-o", f"junit={tmp_path}/t.xml", "-o", f"sarif={tmp_path}/t.sarif",
                  "-o", f"markdown={tmp_path}/t.md", "-o", f"gitlab={tmp_path}/t.json", "-o", "github=-", "--coverage")
    suite = ElementTree.parse(tmp_path / "t.xml").getroot()[0]
    markdown = (tmp_path / "t.md").read_text()

    assert result.code == 10
    assert result.out.startswith("::error file=org/tests/mine.yaml,line=6,col=33::test mine: checks.disk.warning: ")
    assert (suite.get("tests"), suite.get("failures")) == ("11", "1")
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["mine"]
    assert markdown.startswith("### guru test: 1 test failed, 10 passed\n")
    assert "| Policy `baseline` | `org/policies/baseline.yaml:2` |" in markdown
    assert json.loads((tmp_path / "t.sarif").read_text())["runs"][0]["results"][0]["level"] == "error"
    assert json.loads((tmp_path / "t.json").read_text())[0]["location"]["path"] == "org/tests/mine.yaml"


def test_hostile_words_of_a_test_stay_words(guru: Guru, office: Path, tmp_path: Path) -> None:
    add(office, HEAD + '  expect: {agent.heartbeat: "</failure>\\u202e]]>|<img>"}\n')

    result = guru("test", str(office), "-o", f"junit={tmp_path}/t.xml", "-o", "markdown=-")

    assert result.code == 10
    assert ElementTree.parse(tmp_path / "t.xml").getroot()[0].get("failures") == "1"
    assert "<img>" not in result.out
    assert "\u202e" not in result.out + result.err
