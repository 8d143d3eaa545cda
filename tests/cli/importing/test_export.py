"""`guru export` writes what is in force, whole or not at all, and believes nothing that a server says."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from guru_policy.tree import git_blob_id
from guru_wire.exporting import Contents, ExportedCustomer, ExportedFile
from gurucli.exporting import INVENTORY
from gurucli.inventory import from_file
from gurucli.tree_paths import may_be_written
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Asked, Double, Reply

HOSTILE = [
    "../out", "/etc/cron.d/x", "a/../../out", "a//b", "", ".", ".git/hooks/post-checkout", "x/.GIT/config",
    ".git./config", "git~1/config", "a\nb", "a\x1b[31mb", "x/" * 3000 + "y", "n" * 300, "a\u2028b",
]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_folder_gets_every_file_and_the_inventory(guru: Guru, tmp_path: Path) -> None:
    done = guru("export", "-d", str(tmp_path / "fleet"), "-o", "name")
    written = files_in(tmp_path / "fleet")
    devices = from_file(tmp_path / "fleet" / INVENTORY)

    assert done.code == 0, done.err
    assert done.out.split() == sorted(canned.EXPORTED)
    assert {path: written[path] for path in canned.EXPORTED} == canned.EXPORTED
    assert set(written) == {*canned.EXPORTED, INVENTORY}
    assert [(one.name, one.op_labels) for one in devices] == [("web01", {"role": "web"}), ("web02", {"role": "web"})]
    assert guru("validate", str(tmp_path / "fleet")).code == 0


def test_a_commit_is_seven_digits_on_a_terminal(guru: Guru) -> None:
    shown = guru("export", columns=100, no_color=True).out.splitlines()[1:]

    assert {len(line.split()[-1]) for line in shown} == {7}


def test_a_tar_file_holds_the_same_and_is_the_same_each_time(guru: Guru, tmp_path: Path) -> None:
    first, second = tmp_path / "a.tar", tmp_path / "b.tar"
    assert guru("export", "--out", str(first)).code == 0
    assert guru("export", "--out", str(second)).code == 0
    with tarfile.open(first) as archive:
        names = archive.getnames()

    assert sorted(names) == sorted([*canned.EXPORTED, INVENTORY])
    assert first.read_bytes() == second.read_bytes()
    assert guru("export", "--out", str(first)).code == 9


def test_a_filled_folder_is_left_alone_unless_forced(guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/fleet.yaml").write_text("mine")
    (tmp_path / "fleet/notes.txt").write_text("mine")

    assert guru("export", "-d", str(tmp_path / "fleet")).code == 9
    assert (tmp_path / "fleet/fleet.yaml").read_text() == "mine"
    assert guru("export", "-d", str(tmp_path / "fleet"), "--force").code == 0
    assert (tmp_path / "fleet/fleet.yaml").read_bytes() == canned.EXPORTED["fleet.yaml"]
    assert (tmp_path / "fleet/notes.txt").read_text() == "mine"


def test_nothing_is_written_through_a_link(guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/org").symlink_to(tmp_path / "elsewhere")

    refused = guru("export", "-d", str(tmp_path / "fleet"), "--force")

    assert refused.code == 9
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [path.name for path in (tmp_path / "fleet").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("path", HOSTILE)
def test_a_path_that_leaves_the_folder_stops_everything(path: str, guru: Guru, double: Double, tmp_path: Path) -> None:
    double.answers["GET /exports"] = canned.export({**canned.EXPORTED, path: b"x"})

    refused = guru("export", "-d", str(tmp_path / "fleet"))

    assert not may_be_written(path)
    assert refused.code == 8
    assert not (tmp_path / "fleet").exists()


@pytest.mark.parametrize("files", [{"a": b"x", "a/b": b"y"}])
def test_a_file_that_is_a_folder_too_stops_everything(
    files: dict[str, bytes], guru: Guru, double: Double, tmp_path: Path
) -> None:
    double.answers["GET /exports"] = canned.export(files)

    assert guru("export", "-d", str(tmp_path / "fleet")).code == 8


def test_a_content_that_is_not_what_its_id_says_is_not_written(guru: Guru, double: Double, tmp_path: Path) -> None:
    wrong = canned.contents(canned.EXPORTED)
    wrong[git_blob_id(canned.EXPORTED["files/motd"])] = "SGVsbG8="
    double.answers["POST /exports/contents"] = Contents(contents=wrong)

    refused = guru("export", "-d", str(tmp_path / "fleet"))

    assert refused.code == 1
    assert files_in(tmp_path / "fleet") == {}


@pytest.mark.parametrize("item", [
    {"path": "a", "blob": "x", "size": -1, "revision": "r"},
    {"path": "a", "blob": "x", "size": 10**12, "revision": "r"},
    {"path": 7, "blob": "x", "size": 1, "revision": "r"}, "a", None, {"path": "a"},
])
def test_a_list_that_makes_no_sense_is_an_error_with_a_sentence(item: object, guru: Guru, double: Double) -> None:
    double.answers["GET /exports"] = {**canned.export({}).model_dump(by_alias=True), "items": [item]}

    refused = guru("export")

    assert refused.code == 1
    assert refused.err.startswith("error[G0426]")


def test_pages_without_an_end_or_of_another_state_are_refused(guru: Guru, double: Double) -> None:
    double.answers["GET /exports"] = canned.export({}, next="again")
    endless = guru("export")

    def moved(asked: Asked) -> Reply:
        return canned.export(canned.EXPORTED, state=("6" if asked.query else "5") * 64, next="x")

    double.answers["GET /exports"] = moved

    assert endless.code == 1
    assert guru("export").code == 1


def test_contents_that_never_come_are_an_error(guru: Guru, double: Double, tmp_path: Path) -> None:
    double.answers["POST /exports/contents"] = Contents(contents={"0" * 40: ""})

    assert guru("export", "--out", str(tmp_path / "a.tar")).code == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == []


def test_large_exports_are_asked_for_in_parts(guru: Guru, double: Double, tmp_path: Path) -> None:
    files = {f"files/{number}": b"%d" % number for number in range(1200)}
    every = canned.contents(files)
    double.answers["GET /exports"] = canned.export(files)

    def some(asked: Asked) -> Reply:
        return Contents(contents={blob: every[blob] for blob in asked.body["blobs"][:400]})

    double.answers["POST /exports/contents"] = some

    assert guru("export", "-d", str(tmp_path / "fleet")).code == 0
    assert len(files_in(tmp_path / "fleet")) == 1201
    assert len(double.requests("POST", "/exports/contents")) == 3


def test_a_customer_that_cannot_be_told_in_one_repository_makes_it_partial(guru: Guru, double: Double) -> None:
    held = ExportedCustomer(
        customer="acme", org_revision=canned.OLDER, revision=canned.REVISION, note="it has older files")
    double.answers["GET /exports"] = canned.export(canned.EXPORTED, customers=(held,))

    done = guru("export", "-o", "json")

    assert done.code == 6
    assert json.loads(done.out)["customers"][0]["note"] == "it has older files"
    assert "acme: it has older files" in done.err


def test_programs_stay_programs(guru: Guru, double: Double, tmp_path: Path) -> None:
    data = b"#!/bin/sh\n"
    item = ExportedFile(path="hooks/run", blob=git_blob_id(data), size=len(data), executable=True, revision="r")
    double.answers["GET /exports"] = canned.export({}, items=(item,))
    double.answers["POST /exports/contents"] = Contents(contents=canned.contents({"hooks/run": data}))

    assert guru("export", "-d", str(tmp_path / "fleet")).code == 0
    assert (tmp_path / "fleet/hooks/run").stat().st_mode & 0o777 == 0o755
