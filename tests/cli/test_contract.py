"""The contract of DESIGN section 8, walked over every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from gurucli import command as commands
from gurucli.catalogue import GROUPS, SECTIONS, VERBS
from gurucli.transport import fingerprint
from tests.cli import canned
from tests.cli.conftest import Guru, Result
from tests.cli.double import TOKEN, Authority, Double, problem
from tests.cli.keeping import kept
from tests.cli.walk import FAILS, SILENT, WORKS

ROOT = Path(__file__).parents[2]
PATHS = [" ".join(verb.path) for verb in VERBS]


@pytest.fixture
def walk(guru: Guru, double: Double, authority: Authority, tmp_path: Path) -> Guru:
    """Run a verb's working command line, with its placeholders filled in."""
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    (fleet / "fleet.yaml").write_text("apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: test}\nspec: {}\n")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "two").write_text("old words\nnew words\n")
    (tmp_path / "plan").write_text(canned.plan(exact=canned.exact()).model_dump_json(by_alias=True))
    keeper = kept(tmp_path / "kept")
    words = {"FLEET": str(fleet), "URL": double.url, "PIN": fingerprint(authority.ca), "TOKEN": str(tmp_path / "token"),
             "TWO": str(tmp_path / "two"),
             "OFFICE": f"{ROOT}/examples/small-office/", "PLAN": str(tmp_path / "plan"), "NEW": str(tmp_path / "new"),
             "KEPT": str(keeper.folder), "IDENTITY": str(keeper.identity),
             "TACTICAL": str(ROOT / "tests/cli/importing/tactical"), "FLEETDM": str(ROOT / "tests/cli/importing/fleet")}

    def go(path: str, *more: str, **options: object) -> Result:
        return guru(*(words.get(word, word) for word in WORKS[path]), *more, **options)

    return go


def test_the_walk_knows_every_command() -> None:
    assert sorted(WORKS) == sorted(FAILS) == sorted(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_help_shows_an_example_of_the_command_itself(path: str, guru: Guru, capsys: pytest.CaptureFixture[str]) -> None:
    result = guru(*path.split(), "--help")
    shown = capsys.readouterr().out

    assert result.code == 0
    assert f"guru {path}" in shown.split("Usage")[0].split("Examples")[1] or path == "context use"


@pytest.mark.parametrize("verb", VERBS, ids=PATHS)
def test_the_catalogue_says_what_the_command_says(verb: object) -> None:
    assert verb in VERBS
    module = commands.load(verb)  # type: ignore[arg-type]  # parametrized with verbs

    assert (module.run.__doc__ or "").split("\n")[0] == verb.summary  # type: ignore[attr-defined]


def test_help_names_every_verb_in_one_section() -> None:
    listed = [word for _, words in SECTIONS for word in words]

    assert sorted(listed) == sorted({verb.path[0] for verb in VERBS})
    assert {verb.path[:1] for verb in VERBS if len(verb.path) > 1} <= set(GROUPS)


@pytest.mark.parametrize("path", PATHS)
def test_success_in_json_is_one_document_alone_on_stdout(path: str, walk: Guru) -> None:
    result = walk(path, "-o", "json")

    assert result.code == 0, result.err
    document = json.loads(result.out)
    assert document["apiVersion"] == "guru/v1"
    assert "error" not in document


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["table", "wide", "ndjson", "yaml", "csv", "name", "jsonpath=$", "tsv"])
def test_every_format_works_on_every_command(path: str, form: str, walk: Guru) -> None:
    result = walk(path, "-o", form)

    assert result.code == 0, result.err
    assert result.out or path in SILENT, "nothing was printed"
    if form == "yaml":
        assert isinstance(yaml.safe_load(result.out), dict)
    if form == "ndjson":
        assert all(isinstance(json.loads(line), dict) for line in result.out.splitlines())


@pytest.mark.parametrize("path", PATHS)
def test_failure_in_json_is_one_document_with_the_exit_code(path: str, guru: Guru) -> None:
    argv, code = FAILS[path]

    result = guru(*argv, "-o", "json")

    assert result.code == code, result.err
    document = json.loads(result.out)
    if path != "doctor":
        assert document["error"]["exitCode"] == code
        assert document["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
def test_failure_for_people_leaves_stdout_empty(path: str, guru: Guru) -> None:
    argv, code = FAILS[path]

    result = guru(*argv)

    assert result.code == code
    if path != "doctor":
        assert result.out == ""
        assert result.err.startswith("error[G")


@pytest.mark.parametrize(("code", "exit_code", "status"), [
    ("G0001", 1, 500), ("G0002", 2, 400), ("G0401", 4, 401), ("G0404", 5, 404), ("G0206", 6, 500), ("G0408", 7, 504),
    ("G0503", 7, 503), ("G0403", 8, 403), ("G0495", 8, 403), ("G0409", 9, 409), ("G0422", 10, 422), ("G0400", 10, 400),
    ("G0426", 1, 426), ("G7777", 42, 500)])
def test_a_problem_of_the_server_ends_the_command_with_its_code(
    code: str, exit_code: int, status: int, guru: Guru, double: Double
) -> None:
    double.answers["GET /status"] = problem(status, code, "no", exit_code, hint="try this", requestId="r42")

    result = guru("status", "-o", "json")

    assert result.code == exit_code
    assert json.loads(result.out)["error"]["exitCode"] == exit_code
    assert "r42" in result.err


@pytest.mark.parametrize("path", [p for p in PATHS if p not in ("explain", "completion", "api", "version")])
def test_fields_help_asks_no_server(path: str, guru: Guru, double: Double) -> None:
    result = guru(*path.split(), "--fields", "help")

    assert result.code == 0
    assert len(result.out.split()) > 0
    assert double.asked == []
