"""A slip of the finger gets an answer that helps: the nearest name, in a sentence, with the right exit code."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from guru_wire.operator import Explanation, Page, RevisionRow
from gurucli.carets import caret
from gurucli.catalogue import GROUPS, VERBS, Verb
from gurucli.command import load
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double, problem
from tools.lab.remote import Remote

CHECKS = {"disk": {"kind": "disk_space", "warning": 75.0}}
ALL = Explanation(device="web01", path="checks", value=CHECKS, candidates=())


@pytest.mark.parametrize(("argv", "hint"), [
    (("alert", "list", "--state", "fring"), "did you mean firing?"),
    (("device", "list", "--state", "uptodate"), "did you mean UpToDate?"),
])
def test_a_misspelled_state_is_a_usage_error(argv: tuple[str, ...], hint: str, guru: Guru) -> None:
    result = guru(*argv)

    assert (result.code, hint in result.err) == (2, True), result.err


def test_a_path_that_nobody_gives_is_not_found_and_the_nearest_is_named(guru: Guru, double: Double) -> None:
    nothing = Explanation(device="web01", path="checks.dsk.warning", value=None, absent=True, candidates=())
    double.answers["GET /devices/web01/explain"] = lambda asked: (
        nothing if asked.query["path"] != "checks" else ALL)

    result = guru("explain", "web01", "checks.dsk.warning")

    assert result.code == 5
    assert "did you mean checks.disk.warning?" in result.err


def test_a_part_of_a_policy_is_explained_leaf_by_leaf(guru: Guru, double: Double) -> None:
    double.answers["GET /devices/web01/explain"] = ALL

    lines = guru("explain", "web01", "checks", columns=80, no_color=True).out.splitlines()

    assert "disk.warning  75.0" in [line.strip() for line in lines]
    assert max(map(len, lines)) <= 80


def test_a_short_commit_is_completed_from_what_the_server_has_seen(guru: Guru, double: Double, tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    double.answers["GET /revisions"] = Page[RevisionRow](items=(canned.revision(),), total=1)

    assert guru("plan", "--revision", canned.REVISION[:7]).code == 0
    assert guru("plan", "--revision", "0000000").code == 5
    assert guru("plan", "--revision", "no-such-branch").code == 5


def test_a_branch_of_the_work_tree_here_can_be_planned(guru: Guru, double: Double, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed" / "fleet.yaml").write_text("")
    remote = Remote(tmp_path / "git")
    tip = remote.create(tmp_path / "seed")
    monkeypatch.chdir(remote.work)

    assert guru("plan", "--revision", "main").code == 0
    assert tip in str(double.asked[-1])


def test_a_question_answered_with_the_end_of_input_ends_its_line(guru: Guru, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    result = guru("device", "revoke", "web01", columns=80, stdin_terminal=True, stderr_terminal=True,
                  no_color=True)

    assert result.code == 1
    assert "\nerror[G0001]" in result.err


def test_a_page_of_faults_ends_where_people_stop_reading(guru: Guru, tmp_path: Path) -> None:
    for number in range(120):
        (tmp_path / f"p{number}.yaml").write_text("apiVersion: guru/v1\nkind: Policy\nmetadata: {name: a}\nspec: {}\n")

    page = guru("validate", str(tmp_path), columns=100)
    everything = guru("validate", str(tmp_path))

    assert (page.code, everything.code) == (10, 10)
    assert "and 71 more; -o wide names them all" in page.out
    assert len(everything.out.splitlines()) == 121


def test_a_wrong_selector_is_shown_with_a_caret_below_the_place(guru: Guru, double: Double) -> None:
    message = "selector `os=linux,,`, column 10: expected a label's key, found `,`"
    double.answers["GET /devices"] = problem(400, "G0400", message, 10)

    lines = guru("device", "list", "-l", "os=linux,,").err.splitlines()

    assert lines[1] == "      os=linux,,"
    assert lines[2].index("^") == lines[1].index(",,") + 1


@pytest.mark.parametrize("message", ["selector `a`, column 99: x", "selector a, column 1: x", "x, column 1: y"])
def test_a_message_that_does_not_quote_the_place_gets_no_caret(message: str) -> None:
    assert caret(message) == []


def test_a_list_that_was_cut_says_how_many_there_are(guru: Guru, double: Double) -> None:
    double.answers["GET /devices"] = Page(items=(canned.device("web01"),), total=51, next="more")

    result = guru("device", "list", "--limit", "1")

    assert result.err == "1 of 51 devices; all without --limit\n"
    assert len(result.out.splitlines()) == 1


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb.path))
@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal(verb: Verb, columns: int, guru: Guru, capsys: pytest.CaptureFixture[str]) -> None:
    guru(*verb.path, "--help", columns=columns, no_color=True)
    lines = capsys.readouterr().out.splitlines()

    commands = {f"  {line}" for line, _ in load(verb).EXAMPLES}       # never broken: people copy them
    assert [line for line in lines if len(line) > columns and line not in commands] == []


@pytest.mark.parametrize(("verb", "line"), [
    ("run", "guru run [OPTIONS] [DEVICE] -- CMD..."),
    ("override set", "guru override set [DEVICE] PATH=VALUE|PATH-... [OPTIONS]"),
    ("query", "guru query [SQL] [DEVICE] [OPTIONS]")])
def test_a_usage_line_is_one_that_can_be_typed(
    verb: str, line: str, guru: Guru, capsys: pytest.CaptureFixture[str],
) -> None:
    guru(*verb.split(), "--help", columns=100, no_color=True)

    assert f"\n  {line}" in capsys.readouterr().out


@pytest.mark.parametrize("path", [(), *GROUPS])
def test_the_help_of_groups_fits_eighty_columns(path: tuple[str, ...], guru: Guru) -> None:
    result = guru(*path, "--help", columns=80, no_color=True)

    assert max(map(len, result.out.splitlines())) <= 80
