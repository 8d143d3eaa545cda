"""`guru secrets`: what is encrypted for whom, by the people who keep it; and no value where it does not belong."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pyrage
import pytest
from pyrage import x25519

from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from gurucli.ageing import encrypted, stanzas
from gurucli.environment import Environment
from gurucli.formatting import comments
from gurucli.private_editing import edited
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double
from tests.cli.keeping import VALUE, Kept, kept

NEW = b"a quite different passphrase"
WANTS = """apiVersion: guru/v1
kind: Policy
metadata: {name: wants}
spec:
  resources:
    pw: {kind: file, path: /etc/pw, contentFrom: {secretRef: pw}}
"""


@pytest.fixture
def keeper(tmp_path: Path) -> Kept:
    return kept(tmp_path / "fleet")


def editor(folder: Path, script: str) -> str:
    """A program that stands for a person's editor; it gets the file's path as $1."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    path.chmod(0o755)
    return str(path)


def faults(keeper: Kept, guru: Guru, *more: str) -> list[str]:
    """What `guru secrets check` complains of."""
    result = guru("secrets", "check", str(keeper.folder), "-o", "json", *more)
    document = json.loads(result.out)
    assert result.code == (10 if document["faults"] else 0)
    assert document["valid"] == (not document["faults"])
    return [f"{one['path']}:{one['line']}: {one['message']}" for one in document["faults"]]


def test_an_edit_opens_the_value_and_encrypts_what_came_of_it_for_the_same_recipients(
    keeper: Kept, guru: Guru, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    write = f'printf "%s\\n" "{NEW.decode()}" > "$1"'
    program = editor(tmp_path, f'cp "$1" {seen}; stat -c %a "$1" >> {seen}.mode; {write}')
    argv = ("secrets", "edit", "pw", "--repo", str(keeper.folder), "--identity", str(keeper.identity))

    result = guru(*argv, editor=program)

    assert result.code == 0, result.err
    assert seen.read_bytes() == VALUE
    assert Path(f"{seen}.mode").read_text() == "600\n"
    assert keeper.opened() == keeper.opened(keeper.safe) == NEW + b"\n"
    assert not {VALUE.decode(), NEW.decode()} & set(result.out.split("\t") + result.err.split())


def test_the_value_is_in_memory_while_it_is_edited_and_wiped_afterwards(tmp_path: Path) -> None:
    runtime, copy = tmp_path / "runtime", tmp_path / "copy"
    runtime.mkdir(mode=0o700)
    program = editor(tmp_path, f'ln "$1" {copy}; cp "$1" "$1~"; echo "$1" > {copy}.path')
    here = Environment(config=tmp_path / "c", cache=tmp_path, home=tmp_path, editor=program, runtime=str(runtime))

    edited(VALUE, "pw", here)

    place = Path(Path(f"{copy}.path").read_text().strip())
    assert place.parent.parent == runtime
    assert list(runtime.iterdir()) == []
    assert copy.read_bytes() == bytes(len(VALUE))


@pytest.mark.parametrize(("script", "code"), [("exit 3", 1), (':', 0), ('printf "\\n" >> "$1"', 0)])
def test_an_edit_that_changes_nothing_writes_nothing(
    script: str, code: int, keeper: Kept, guru: Guru, tmp_path: Path
) -> None:
    before = keeper.file.read_bytes()

    result = guru("secrets", "edit", "pw", "--repo", str(keeper.folder), "--identity", str(keeper.identity),
                  "-o", "json", editor=editor(tmp_path, script))

    assert result.code == code
    assert keeper.file.read_bytes() == before
    assert code or json.loads(result.out)["state"] == "unchanged"


def test_a_value_from_elsewhere_needs_neither_editor_nor_identity(keeper: Kept, process: Guru) -> None:
    keeper.file.unlink()

    result = process("secrets", "edit", "pw", "--repo", str(keeper.folder), "--from-file", "-", stdin=NEW.decode())

    assert result.code == 0, result.err
    assert keeper.opened() == NEW
    assert keeper.file.read_bytes().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")


@pytest.mark.parametrize("ref", ["pw", "customers/acme/pw", "customers/acme/secrets/pw.age", "ABSOLUTE"])
def test_a_secret_is_meant_by_name_scope_or_file(ref: str, keeper: Kept, guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(NEW)
    named = str(keeper.file) if ref == "ABSOLUTE" else ref

    result = guru("secrets", "edit", named, "--repo", str(keeper.folder), "--from-file", str(tmp_path / "new"))

    assert result.code == 0, result.err
    assert keeper.opened() == NEW


def test_an_identity_of_somebody_else_opens_nothing(keeper: Kept, guru: Guru, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text(f"{x25519.Identity.generate()}\n")
    other.chmod(0o600)
    argv = ("secrets", "edit", "pw", "--repo", str(keeper.folder), "--identity")

    strange, missing = guru(*argv, str(other), editor="true"), guru(*argv, "no-such", editor="true")
    other.chmod(0o644)
    readable = guru(*argv, str(other), editor="true")

    assert (strange.code, missing.code, readable.code) == (8, 5, 8)
    assert "does not open with your identity" in strange.err
    assert "chmod 600" in readable.err


@pytest.mark.parametrize("way", ["option", "environment", "default"])
def test_an_identity_is_found_in_three_places(way: str, keeper: Kept, guru: Guru, environment: Environment) -> None:
    argv, more = ["secrets", "rotate", "--repo", str(keeper.folder)], {}
    if way == "option":
        argv += ["--identity", str(keeper.identity)]
    elif way == "environment":
        more = {"identity": str(keeper.identity)}
    else:
        place = environment.config.parent / "age.key"
        place.write_text(keeper.identity.read_text())
        place.chmod(0o600)

    assert guru(*argv, **more).code == 0


def test_rotating_encrypts_for_the_recipients_of_now(keeper: Kept, guru: Guru) -> None:
    bob = x25519.Identity.generate()
    keeper.yaml.write_text(keeper.yaml.read_text().replace(str(keeper.safe.to_public()), str(bob.to_public())))

    result = guru("secrets", "rotate", "--repo", str(keeper.folder), "--identity", str(keeper.identity))

    assert result.code == 0, result.err
    assert keeper.opened() == keeper.opened(bob) == VALUE
    with pytest.raises(pyrage.DecryptError):
        keeper.opened(keeper.safe)


def test_rotating_is_all_or_nothing(keeper: Kept, guru: Guru) -> None:
    other = keeper.yaml.read_text().replace("name: pw", "name: other").replace("pw.age", "other.age")
    (keeper.folder / "customers/acme/other.yaml").write_text(other)
    (keeper.file.parent / "other.age").write_bytes(pyrage.encrypt(b"x", [keeper.safe.to_public()]))
    before = keeper.file.read_bytes()

    result = guru("secrets", "rotate", "--repo", str(keeper.folder), "--identity", str(keeper.identity))

    assert result.code == 10
    assert "customers/acme/other.yaml:6" in result.err
    assert keeper.file.read_bytes() == before


def test_scopes_choose_what_is_rotated(keeper: Kept, guru: Guru) -> None:
    argv = ("secrets", "rotate", "--repo", str(keeper.folder), "--identity", str(keeper.identity), "-o", "name")

    assert guru(*argv, "--scope", "customers/acme").out == "customers/acme/secrets/pw.age\n"
    assert guru(*argv, "--scope", "org").code == 5
    assert guru(*argv, "wp").code == 5


def test_a_repository_in_which_all_fits_has_no_fault(keeper: Kept, guru: Guru) -> None:
    assert faults(keeper, guru, "--identity", str(keeper.identity)) == []


def test_check_names_files_without_secret_and_secrets_without_file(keeper: Kept, guru: Guru) -> None:
    keeper.file.rename(keeper.file.with_name("stray.age"))

    there = "customers/acme/secrets/pw.age is not there: customers/acme/pw has no value yet"
    assert faults(keeper, guru) == [
        f"customers/acme/secrets.yaml:6: Secret pw: {there}",
        "customers/acme/secrets/stray.age:0: no Secret names this file",
    ]


def test_faults_are_whole_sentences_on_a_narrow_terminal(keeper: Kept, guru: Guru) -> None:
    keeper.file.rename(keeper.file.with_name("stray.age"))
    shown = guru("secrets", "check", str(keeper.folder), columns=80, no_color=True).out.splitlines()

    assert shown[0].endswith("pw.age is not there: customers/acme/pw has no value yet")
    assert shown[1].startswith("  hint: guru secrets edit")


def test_check_counts_keys_and_opens_what_should_open(keeper: Kept, guru: Guru) -> None:
    mine = ("--identity", str(keeper.identity))
    keeper.file.write_bytes(pyrage.encrypt(VALUE, [keeper.ada.to_public()]))
    counted = faults(keeper, guru, *mine)
    keeper.file.write_bytes(pyrage.encrypt(VALUE, [keeper.safe.to_public(), x25519.Identity.generate().to_public()]))
    strange = faults(keeper, guru, *mine)
    keeper.file.write_bytes(pyrage.passphrase.encrypt(VALUE, "x"))
    by_words = faults(keeper, guru)
    keeper.file.write_bytes(VALUE)
    bare = faults(keeper, guru)

    assert [one.partition(": ")[2] for one in (*counted, *strange, *by_words, *bare)] == [
        "Secret pw: customers/acme/secrets/pw.age is encrypted for 1 keys, and 2 are listed",
        "Secret pw: your key is a recipient, and customers/acme/secrets/pw.age does not open with it",
        "Secret pw: customers/acme/secrets/pw.age opens by scrypt too, which no recipient here is",
        "Secret pw: customers/acme/secrets/pw.age was not encrypted by age",
    ]


def test_check_asks_the_server_for_its_key_only_for_what_devices_need(keeper: Kept, guru: Guru, double: Double) -> None:
    unneeded = faults(keeper, guru)
    (keeper.folder / "customers/acme/wants.yaml").write_text(WANTS)
    needed, offline = faults(keeper, guru), faults(keeper, guru, "--offline")

    assert (unneeded, offline) == ([], [])
    assert needed == ["customers/acme/secrets.yaml:7: Secret pw: devices need it, and the server cannot open it"]
    assert len(double.requests("GET", "/secrets/recipient")) == 2


def test_check_without_a_server_says_what_it_did_not_look_at(keeper: Kept, guru: Guru, tmp_path: Path) -> None:
    result = guru("secrets", "check", str(keeper.folder), config=tmp_path / "none.json")

    assert result.code == 0
    assert "not looked at: whether the server can open them" in result.err


def test_reports_of_check_name_file_and_line(keeper: Kept, guru: Guru) -> None:
    keeper.file.write_bytes(pyrage.encrypt(VALUE, [keeper.ada.to_public()]))

    result = guru("secrets", "check", str(keeper.folder), "-o", "github=-")

    assert result.code == 10
    assert "file=customers/acme/secrets.yaml,line=7" in result.out


def test_recipients_lists_the_server_and_everybody_by_scope(keeper: Kept, guru: Guru) -> None:
    rows = json.loads(guru("secrets", "recipients", "list", "--repo", str(keeper.folder), "-o", "json").out)["items"]
    offline = guru("secrets", "recipients", "list", "--repo", str(keeper.folder), "--offline", "-o", "name")

    assert [(one["name"], one["scope"], one["server"], one["count"]) for one in rows] == [
        ("", "", True, 0), ("ada", "customers/acme", False, 1), ("safe", "customers/acme", False, 1)]
    assert rows[0]["key"] == canned.SERVER
    assert offline.out.split() == [str(keeper.ada.to_public()), str(keeper.safe.to_public())]


def said(text: str) -> object:
    return [plain(one) for one in read_yaml("x.yaml", text.encode()).documents]


def test_a_recipient_comes_and_goes_and_every_comment_stays(keeper: Kept, guru: Guru) -> None:
    before = keeper.yaml.read_text()
    assert guru("secrets", "recipients", "add", "guru", "server", "--repo", str(keeper.folder)).code == 0
    with_server = keeper.yaml.read_text()
    again = guru("secrets", "recipients", "add", "guru", "server", "--repo", str(keeper.folder), "-o", "json")
    assert guru("secrets", "recipients", "rm", "guru", "--repo", str(keeper.folder)).code == 0

    assert f"guru: {canned.SERVER}" in with_server
    assert sorted(comments(with_server)) == sorted(comments(before))
    assert json.loads(again.out)["items"][0]["state"] == "there already"
    assert said(keeper.yaml.read_text()) == said(before)
    assert sorted(comments(keeper.yaml.read_text())) == sorted(comments(before))


@pytest.mark.parametrize("text", [
    "    ada: ADA\n    # the safe's\n    safe: SAFE\n", "    {ada: ADA, safe: SAFE}\n",
    "    safe: SAFE\n    ada: ADA  # ada's\n---\n# next\napiVersion: guru/v1\nkind: Site\n",
])
def test_taking_one_out_leaves_the_comments_of_the_others(text: str, keeper: Kept, guru: Guru) -> None:
    whole = keeper.yaml.read_text().partition("    # who keeps it")[0] + text
    whole = whole.replace("ADA", str(keeper.ada.to_public())).replace("SAFE", str(keeper.safe.to_public()))
    keeper.yaml.write_text(whole)
    before = keeper.yaml.read_text()

    result = guru("secrets", "recipients", "rm", str(keeper.ada.to_public()), "--repo", str(keeper.folder))

    assert result.code == 0, result.err
    assert "ada:" not in keeper.yaml.read_text()
    assert set(comments(before)) - set(comments(keeper.yaml.read_text())) <= {"# ada's"}


def test_what_makes_no_sense_for_recipients_changes_nothing(keeper: Kept, guru: Guru) -> None:
    before, at = keeper.yaml.read_text(), ("--repo", str(keeper.folder))
    taken = guru("secrets", "recipients", "add", "ada", canned.SERVER, *at)
    cut = guru("secrets", "recipients", "add", "bob", canned.SERVER[:-1], *at)
    nobody = guru("secrets", "recipients", "rm", "bob", *at)
    assert guru("secrets", "recipients", "rm", "ada", *at).code == 0
    last = guru("secrets", "recipients", "rm", "safe", *at)

    assert (taken.code, cut.code, nobody.code, last.code) == (9, 10, 5, 10)
    assert "customers/acme/secrets.yaml:2" in taken.err
    assert "safe" in keeper.yaml.read_text()
    assert before != keeper.yaml.read_text()


def test_a_file_behind_a_link_is_not_written(keeper: Kept, guru: Guru, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    keeper.file.unlink()
    keeper.file.parent.rmdir()
    keeper.file.parent.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "new").write_bytes(NEW)

    result = guru("secrets", "edit", "pw", "--repo", str(keeper.folder), "--from-file", str(tmp_path / "new"))

    assert result.code == 9
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_value_that_is_too_large_or_empty_is_refused(keeper: Kept, guru: Guru, tmp_path: Path) -> None:
    before, codes = keeper.file.read_bytes(), []
    for size in (0, 61 << 10):
        (tmp_path / "new").write_bytes(os.urandom(size))
        argv = ("secrets", "edit", "pw", "--repo", str(keeper.folder), "--from-file", str(tmp_path / "new"))
        codes.append(guru(*argv).code)

    assert codes == [10, 10]
    assert keeper.file.read_bytes() == before


def test_grease_is_no_key_and_armour_makes_no_difference() -> None:
    keys = [x25519.Identity.generate().to_public() for _ in range(3)]

    for _ in range(30):
        assert stanzas(pyrage.encrypt(VALUE, keys)) == ["X25519"] * 3
        assert stanzas(encrypted(VALUE, [str(key) for key in keys])) == ["X25519"] * 3


def test_an_edited_file_keeps_its_mode(keeper: Kept, guru: Guru, tmp_path: Path) -> None:
    keeper.file.chmod(0o640)
    (tmp_path / "new").write_bytes(NEW)
    guru("secrets", "edit", "pw", "--repo", str(keeper.folder), "--from-file", str(tmp_path / "new"))

    assert stat.S_IMODE(keeper.file.stat().st_mode) == 0o640


def test_a_diff_of_folders_shows_that_an_encrypted_file_is_another_one(
    keeper: Kept, guru: Guru, tmp_path: Path
) -> None:
    site = "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\n"
    for path, text in (("wants.yaml", WANTS), ("sites/hq/site.yaml", site)):
        (keeper.folder / "customers/acme" / path).parent.mkdir(parents=True, exist_ok=True)
        (keeper.folder / "customers/acme" / path).write_text(text)
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text("items: [{name: pc1, customer: acme, site: hq, labels: {fact/os: linux}}]\n")
    other = tmp_path / "other"
    shutil.copytree(keeper.folder, other)
    (other / "customers/acme/secrets/pw.age").write_bytes(
        pyrage.encrypt(NEW, [keeper.ada.to_public(), keeper.safe.to_public()]))

    result = guru("diff", f"{keeper.folder}/", f"{other}/", "--inventory", str(inventory), "-o", "json")

    assert result.code == 0, result.err
    assert "secrets.pw" in result.out
    assert NEW.decode() not in result.out
