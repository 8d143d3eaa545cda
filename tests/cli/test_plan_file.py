"""A saved plan is what the server made, is read back with distrust, and never made of changes that nobody committed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double, problem
from tools.lab.remote import Remote

EXAMPLE = Path(__file__).parents[2] / "examples/small-office"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    made = Remote(tmp_path / "git")
    made.create(EXAMPLE)
    monkeypatch.chdir(made.work)
    return made


def test_the_newest_commit_is_planned_and_what_is_kept_is_applied(
    guru: Guru, double: Double, work: Remote, tmp_path: Path
) -> None:
    double.answers["POST /plans"] = canned.plan(exact=canned.exact())
    path = str(tmp_path / "fleet.plan")

    assert guru("plan", "--out", path).code == 0
    assert double.requests("POST", "/plans")[0].body == {"revision": work.head(), "against": None, "exact": True}
    assert guru("apply", path).code == 0
    assert double.requests("POST", "/applications")[0].body == json.loads(canned.exact().model_dump_json())


def test_an_older_plan_in_the_folder_is_no_change(guru: Guru, double: Double, work: Remote) -> None:
    double.answers["POST /plans"] = canned.plan(exact=canned.exact())

    assert guru("plan", "--out", "fleet.plan").code == 0
    assert guru("plan", "--out", "fleet.plan").code == 0
    assert guru("plan", "--out", "other.plan").code == 8


def test_changes_in_no_commit_cannot_be_kept(guru: Guru, double: Double, work: Remote, tmp_path: Path) -> None:
    work.write({"org/new.yaml": "# new\n"})

    assert guru("plan", "--out", str(tmp_path / "fleet.plan")).code == 8
    assert double.asked == []


def test_a_refused_plan_is_not_kept(guru: Guru, double: Double, work: Remote, tmp_path: Path) -> None:
    double.answers["POST /plans"] = canned.plan(guards=("too much",))

    assert guru("plan", "--out", str(tmp_path / "fleet.plan")).code == 8
    assert not (tmp_path / "fleet.plan").exists()


def test_another_commit_can_be_the_other_side(guru: Guru, double: Double, work: Remote) -> None:
    assert guru("plan", "--against", "HEAD").code == 0
    assert double.requests("POST", "/plans")[0].body["against"] == work.head()
    assert guru("plan", "--against", "HEAD", "--out", "x").code == 2


def test_a_stale_plan_ends_with_a_conflict(guru: Guru, double: Double, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text(canned.plan(exact=canned.exact()).model_dump_json())
    double.answers["POST /applications"] = problem(409, "G0409", "the inventory moved", 9)

    assert guru("apply", str(tmp_path / "plan")).code == 9


@pytest.mark.parametrize(("text", "code"), [
    ("", 10), ("[]", 10), ('{"exact": null}', 10), ('{"exact": {"base": 1}}', 10), ("[" * 100_000, 10),
    (canned.plan(exact=canned.exact().model_copy(update={"format_version": "2.0"})).model_dump_json(), 1)])
def test_a_file_that_is_no_plan_is_refused(
    text: str, code: int, guru: Guru, double: Double, tmp_path: Path
) -> None:
    (tmp_path / "plan").write_text(text)

    assert guru("apply", str(tmp_path / "plan")).code == code
    assert double.asked == []


def test_a_rollback_can_push_the_former_files_as_a_branch(guru: Guru, double: Double, work: Remote) -> None:
    former = work.head()
    bad = work.push("Bad", {"org/note.txt": "bad"})
    work.git("fetch", "--quiet")
    double.answers["POST /rollbacks"] = {"revision": former, "outcome": "published", "reason": "", "faults": [],
                                         "devices_changed": 1}

    done = guru("rollback", former[:7] + former[7:], "--reason", "it broke", "--push")

    assert done.code == 0, done.err
    work.git("fetch", "--quiet")
    branch = f"origin/guru/rollback-{former[:12]}"
    assert work.git("rev-parse", f"{branch}^{{tree}}") == work.git("rev-parse", f"{former}^{{tree}}")
    assert work.git("rev-parse", f"{branch}~1") == bad
    assert work.head() == bad
    assert "it broke" in work.git("log", "-1", "--format=%B", branch)
