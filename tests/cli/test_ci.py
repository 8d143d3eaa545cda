"""`guru ci` runs every stage that makes sense, in one pass, and every report holds all of it."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double

OFFICE = Path(__file__).parents[2] / "examples/small-office"


@pytest.fixture
def office(tmp_path: Path) -> str:
    """The example, without its tests."""
    return str(shutil.copytree(OFFICE, tmp_path / "office", ignore=shutil.ignore_patterns("tests")))


@pytest.fixture
def bad(tmp_path: Path) -> str:
    folder = tmp_path / "bad"
    (folder / "org").mkdir(parents=True)
    (folder / "fleet.yaml").write_text("apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: f}\nspec: {}\n")
    (folder / "org/a.yaml").write_text("kind: Polcy\n")
    return str(folder)


def test_a_good_change_passes_and_its_plan_is_in_the_comment(office: str, guru: Guru, tmp_path: Path) -> None:
    done = guru("ci", office, "-o", f"markdown={tmp_path}/plan.md", "-o", "json")

    assert done.code == 0, done.err
    comment = (tmp_path / "plan.md").read_text()
    assert "**validate** passed" in comment
    assert "the repository has no tests" in comment
    assert "#### Devices concerned" in comment


def test_one_run_feeds_every_report_and_a_fault_leaves_the_plan_out(
    bad: str, guru: Guru, double: Double, tmp_path: Path
) -> None:
    reports = [word for kind in ("sarif", "junit", "gitlab", "github", "markdown")
               for word in ("-o", f"{kind}={tmp_path}/{kind}")]

    done = guru("ci", bad, *reports)

    assert done.code == 10
    assert double.requests("POST", "/plans") == []
    assert json.loads((tmp_path / "sarif").read_text())["runs"][0]["results"]
    assert "org/a.yaml" in {case.get("name") for case in ET.fromstring((tmp_path / "junit").read_text())[0]}
    assert json.loads((tmp_path / "gitlab").read_text())[0]["location"]["path"] == "org/a.yaml"
    assert (tmp_path / "github").read_text().startswith("::error file=org/a.yaml")
    assert "**plan** skipped" in (tmp_path / "markdown").read_text()


def test_a_guard_refuses_and_every_report_says_so(office: str, guru: Guru, double: Double) -> None:
    double.answers["POST /plans"] = canned.plan(guards=("9 objects would be deleted; Guru-Allow-Delete: 9",))

    done = guru("ci", office, "-o", "github=-")

    assert done.code == 8
    assert "::error file=fleet.yaml::9 objects would be deleted" in done.out


def test_without_a_server_there_is_no_plan(office: str, guru: Guru, double: Double) -> None:
    done = guru("ci", office, "--offline", "-o", "json")

    assert done.code == 0
    assert [(one["name"], one["verdict"]) for one in json.loads(done.out)["stages"]] == [
        ("validate", "passed"), ("test", "skipped"), ("plan", "skipped")]
    assert double.asked == []


def test_the_worst_comes_first(office: str, guru: Guru, double: Double) -> None:
    warning = canned.fault().model_copy(update={"severity": "warning", "path": "a"})
    double.answers["POST /plans"] = canned.plan(faults=(warning, canned.fault()))

    done = guru("ci", office, "-o", "github=-")

    assert [line.split(" ")[0] for line in done.out.splitlines()] == ["::error", "::warning"]


def test_the_tests_of_the_repository_run(guru: Guru) -> None:
    done = guru("ci", str(OFFICE), "--offline", "-o", "json")

    assert done.code == 0, done.err
    stage = json.loads(done.out)["stages"][1]
    assert (stage["name"], stage["verdict"]) == ("test", "passed")
    assert "tests passed" in stage["message"]


def test_a_test_that_fails_ends_the_pass_with_its_place(guru: Guru, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(OFFICE, tmp_path / "office"))
    (folder / "org/tests/wrong.yaml").write_text(
        "apiVersion: guru/v1\nkind: Test\nmetadata: {name: wrong}\nspec:\n  device: {customer: acme, site: hq}\n"
        "  expect:\n    checks.cpu.warning: 1\n")
    done = guru("ci", str(folder), "--offline", "-o", "json")

    assert done.code == 10
    told = json.loads(done.out)
    assert told["stages"][1]["verdict"] == "failed"
    assert [fault["path"] for fault in told["faults"] if fault["severity"] == "error"] == ["org/tests/wrong.yaml"]
