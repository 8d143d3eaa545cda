"""`guru validate --since` counts what a change brings, and nothing that was there before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Guru
from tools.lab.remote import Remote

EXAMPLE = Path(__file__).parents[2] / "examples/small-office"
BAD = "apiVersion: guru/v1\nkind: Policy\nmetadata: {name: bad}\nspec: {chekcs: {}}\n"


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    made = Remote(tmp_path / "git")
    made.create(EXAMPLE)
    return made


def test_only_new_faults_count(guru: Guru, remote: Remote) -> None:
    remote.write({"org/bad.yaml": BAD})
    assert guru("validate", str(remote.work), "--since", "HEAD").code == 10
    remote.push("Bad")

    remote.write({"org/bad.yaml": f"# moved down\n{BAD}"})
    same = guru("validate", str(remote.work), "--since", "HEAD", "-o", "json")
    assert (same.code, json.loads(same.out)["older"]) == (0, 1)
    assert guru("validate", str(remote.work)).code == 10

    remote.write({"org/bad.yaml": BAD + "---\n" + BAD.replace("name: bad", "name: worse")})
    more = guru("validate", str(remote.work), "--since", "HEAD", "-o", "json")
    assert (more.code, len(json.loads(more.out)["faults"])) == (10, 1)


def test_a_fault_far_from_the_change_is_found(guru: Guru, remote: Remote) -> None:
    remote.write({"files/support.txt": None})

    found = guru("validate", str(remote.work), "--since", "HEAD", "-o", "json")

    assert found.code == 10
    assert json.loads(found.out)["faults"][0]["path"] == "org/policies/baseline.yaml"


@pytest.mark.parametrize(("revision", "code"), [("nowhere", 5), ("--help", 2), ("HEAD:org", 5)])
def test_a_revision_that_is_none_is_refused(revision: str, code: int, guru: Guru, remote: Remote) -> None:
    assert guru("validate", str(remote.work), f"--since={revision}").code == code


def test_the_repository_may_lie_below_the_root_of_its_git(guru: Guru, remote: Remote) -> None:
    files = {f"infra/{path.relative_to(remote.work)}": path.read_bytes() for path in remote.work.rglob("*")
             if path.is_file() and ".git" not in path.parts}
    remote.push("Below", files)

    assert guru("validate", str(remote.work / "infra"), "--since", "HEAD").code == 0
