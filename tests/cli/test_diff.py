"""`guru diff` compares two versions, offline, down to the values that devices get."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double
from tools.lab.remote import Remote

EXAMPLE = Path(__file__).parents[2] / "examples/small-office"
DEVICES = """\
items:
  - {name: pc01, customer: acme, site: hq}
  - {name: pc02, customer: birch, site: hq}
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    made = Remote(tmp_path / "git")
    made.create(EXAMPLE)
    (tmp_path / "devices.yaml").write_text(DEVICES)
    monkeypatch.chdir(made.work)
    return made


def change(work: Remote) -> None:
    """85 % becomes 80 % for everybody; acme has a value of its own."""
    path = "org/policies/baseline.yaml"
    work.write({path: (work.work / path).read_text().replace("warning: 85%", "warning: 80%")})


def test_the_folder_against_a_revision_names_object_field_and_device(guru: Guru, work: Remote, tmp_path: Path) -> None:
    change(work)

    found = guru("diff", "HEAD", "--inventory", str(tmp_path / "devices.yaml"), "--exit-code", "-o", "json")

    assert found.code == 3
    document = json.loads(found.out)
    assert [(one["action"], one["path"]) for one in document["objects"]] == [("change", "org/policies/baseline.yaml")]
    (device,) = document["devices"]
    (field,) = device["fields"]
    assert (device["name"], field["path"], field["before"], field["after"]) == (
        "pc02", "checks.disk.warning", 85.0, 80.0)
    assert field["why"] == "org/policies/baseline.yaml:9"


def test_two_revisions_that_say_the_same_do_not_differ(guru: Guru, work: Remote) -> None:
    work.push("A comment", {"org/policies/baseline.yaml":
                            "# said\n" + (work.work / "org/policies/baseline.yaml").read_text()})

    found = guru("diff", "HEAD~1", "HEAD", "--exit-code")

    assert (found.code, found.out) == (0, "")


def test_devices_can_come_from_the_server(guru: Guru, work: Remote, double: Double) -> None:
    change(work)
    double.answers["GET /devices"] = {
        "items": [canned.device("b1", customer="birch", site="hq").model_dump(mode="json")], "total": 1, "next": None}

    double.answers["GET /overrides"] = {"items": [], "total": 0, "next": None}

    found = guru("diff", "HEAD", ".", "--live", "-o", "json")

    assert [one["name"] for one in json.loads(found.out)["devices"]] == ["b1"]


def test_a_change_that_the_servers_override_hides_reaches_no_device(guru: Guru, work: Remote, double: Double) -> None:
    change(work)
    double.answers["GET /devices"] = {
        "items": [canned.device("b1", customer="birch", site="hq").model_dump(mode="json")], "total": 1, "next": None}

    found = guru("diff", "HEAD", ".", "--live", "-o", "json")

    assert json.loads(found.out)["devices"] == []


def test_a_version_with_faults_is_not_compared(guru: Guru, work: Remote) -> None:
    work.write({"org/bad.yaml": "kind: Polcy\n"})

    assert guru("diff", "HEAD").code == 10


def test_a_device_that_would_get_nothing_is_a_fault(guru: Guru, work: Remote, tmp_path: Path) -> None:
    (tmp_path / "devices.yaml").write_text("items: [{name: pc01, customer: cedar, site: hq}]\n")
    change(work)

    found = guru("diff", "HEAD", "--inventory", str(tmp_path / "devices.yaml"))

    assert found.code == 10
    assert "cedar" in found.err
