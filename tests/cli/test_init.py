"""`guru init` gives a repository that is valid, in form and complete, and never takes anything away."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from gurucli.starting import FORGES
from tests.cli.conftest import GURU, Guru
from tools.lab.remote import ENVIRONMENT


def test_a_new_repository_is_valid_and_in_form(guru: Guru, tmp_path: Path) -> None:
    made = guru("init", str(tmp_path / "fleet"), "--customer", "acme", "--site", "madrid", "-o", "name")

    assert made.code == 0
    assert "customers/acme/sites/madrid/site.yaml" in made.out.split()
    assert guru("validate", str(tmp_path / "fleet")).code == 0
    assert guru("fmt", str(tmp_path / "fleet"), "--check").code == 0


def test_a_new_repository_has_tests_that_run_and_hold(guru: Guru, tmp_path: Path) -> None:
    fleet = str(tmp_path / "fleet")
    assert guru("init", fleet, "--customer", "acme", "--site", "madrid").code == 0

    done = guru("test", fleet, "-o", "json")
    assert done.code == 0, done.err
    assert len(json.loads(done.out)["tests"]) == 2
    assert guru("ci", fleet, "--offline").code == 0


def test_a_change_that_breaks_a_new_repository_is_seen(guru: Guru, tmp_path: Path) -> None:
    assert guru("init", str(tmp_path / "fleet")).code == 0
    baseline = tmp_path / "fleet/org/policies/baseline.yaml"
    baseline.write_text(baseline.read_text().replace("warning: 85%, critical: 95%", "warning: 99%, critical: 99%"))

    assert guru("test", str(tmp_path / "fleet")).code == 10


def test_nothing_is_written_over_a_file(guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("mine")

    refused = guru("init", str(tmp_path))

    assert refused.code == 9
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["fleet.yaml"]
    assert (tmp_path / "fleet.yaml").read_text() == "mine"


def test_nothing_is_written_through_a_link(guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/org").symlink_to(tmp_path / "elsewhere")

    assert guru("init", str(tmp_path / "fleet")).code == 9
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_readme_of_ones_own_stays(guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")

    assert guru("init", str(tmp_path)).code == 0
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("forge", FORGES)
def test_a_pipeline_is_yaml_that_runs_guru_ci(forge: str, guru: Guru, tmp_path: Path) -> None:
    assert guru("init", str(tmp_path), "--ci", forge).code == 0
    text = (tmp_path / FORGES[forge]).read_text()

    assert isinstance(yaml.safe_load(text), dict)
    assert "guru ci" in text
    assert "guru apply" in text
    assert guru("validate", str(tmp_path)).code == 0


def test_the_hook_refuses_a_commit_with_a_new_fault_only(guru: Guru, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    assert guru("init", str(fleet), "--hook").code == 0
    git(fleet, "init", "--quiet")
    git(fleet, "config", "core.hooksPath", ".githooks")
    assert commit(fleet) == 0

    (fleet / "org/bad.yaml").write_text("kind: Polcy\n")
    assert commit(fleet) != 0
    git(fleet, "commit", "--quiet", "--no-verify", "--message", "in anger")
    (fleet / "org/note.txt").write_text("unrelated\n")
    assert commit(fleet) == 0


def git(folder: Path, *words: str) -> int:
    path = {"PATH": f"{Path(GURU).parent}:/usr/bin:/bin", "HOME": str(folder.parent), "GURU_KEYRING": "off"}
    return subprocess.run(["git", "-C", str(folder), *words], env={**ENVIRONMENT, **path}, timeout=60,
                          capture_output=True).returncode


def commit(folder: Path) -> int:
    git(folder, "add", "--all")
    return git(folder, "commit", "--quiet", "--message", "change")
