"""`guru schema` and `guru explain KIND`: offline, for editors and for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from guru_policy.kinds import KINDS
from tests.cli.conftest import Guru
from tests.cli.double import Double


def test_schema_writes_one_file_a_kind_and_one_for_all(guru: Guru, double: Double, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "schema"
    result = guru("schema", "--out", str(folder), "--color=never", columns=100)
    written = {path.name.removesuffix(".schema.json") for path in folder.iterdir()}
    document = {"apiVersion": "guru/v1", "kind": "Site", "metadata": {"name": "hq"}, "spec": {"timezone": 3}}
    found = Draft202012Validator(json.loads((folder / "guru.schema.json").read_text())).iter_errors(document)

    assert written == {*KINDS, "guru"}
    assert result.out.splitlines()[0] == f"# yaml-language-server: $schema={folder}/guru.schema.json"
    assert [error.message for error in found] != []
    assert double.asked == []


def test_schema_without_a_folder_writes_nothing(guru: Guru, tmp_path: Path) -> None:
    result = guru("schema", "-o", "name")

    assert set(result.out.splitlines()) == {*KINDS, "every kind"}
    assert list(tmp_path.glob("**/*.schema.json")) == []


def test_explain_tells_of_a_field_of_a_kind(guru: Guru, double: Double) -> None:
    result = guru("explain", "Policy.spec.checks.disk_space.warning", "--color=never", columns=100)

    assert result.out.splitlines() == [
        "Policy.spec.checks.disk_space.warning   percent", "  used share", "  default  75%",
    ]
    assert double.asked == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("columns", [80, 120])
def test_explain_of_a_kind_is_whole_on_a_terminal(kind: str, columns: int, guru: Guru) -> None:
    result = guru("explain", kind, columns=columns, no_color=True)

    assert result.code == 0
    assert "…" not in result.out
    assert max(map(len, result.out.splitlines())) <= columns


def test_explain_of_a_kind_is_one_document_with_its_fields(guru: Guru) -> None:
    document = json.loads(guru("explain", "Rollout", "-o", "json").out)
    fields = {row["path"]: row for row in document["fields"]}

    assert document["path"] == "Rollout"
    assert fields["successThreshold"]["default"] == "97%"
    assert fields["batches.*.soak"]["type"] == "duration"


def test_a_misspelled_field_ends_with_not_found_and_the_nearest_word(guru: Guru) -> None:
    result = guru("explain", "Rollout.spec.deadlin")

    assert result.code == 5
    assert "did you mean `deadline`?" in result.err


def test_a_device_without_a_path_is_still_asked_for_one(guru: Guru) -> None:
    result = guru("explain", "web01")

    assert result.code == 2
    assert "web01" in result.err
