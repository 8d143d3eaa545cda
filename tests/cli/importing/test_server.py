"""`guru import server` adds what is missing, keeps what people wrote, and overwrites nothing unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.errors import InputInvalid
from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from gurucli.formatting import comments
from gurucli.importing.editing import document_text, with_document
from gurucli.importing.merging import merged
from tests.cli import canned
from tests.cli.conftest import Guru
from tests.cli.double import Double

MINE = """\
# the file of mine
apiVersion: guru/v1
kind: Customer  # a customer
metadata: {name: acme}
spec:
  # why this zone
  timezone: Europe/Madrid   # see the contract
---
# the second
apiVersion: guru/v1
kind: Policy
metadata: {name: own}
spec:
  checks:
    cpu: {kind: cpu}   # mine
"""


def seed(root: Path, files: dict[str, str | bytes]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode() if isinstance(text, str) else text)


def rows(out: str) -> dict[str, str]:
    """State by name."""
    return {row["name"]: row["state"] for row in json.loads(out)["items"]}


def test_what_is_missing_is_written_and_then_all_is_the_same(guru: Guru, tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    seed(root, {"fleet.yaml": canned.EXPORTED["fleet.yaml"], "org/own.yaml": MINE.split("---\n")[1]})
    shown = guru("import", "server", "-d", str(root), "-o", "json")
    before = sorted(path.name for path in root.rglob("*"))
    written = guru("import", "server", "-d", str(root), "--write", "-o", "json")
    again = guru("import", "server", "-d", str(root), "--write", "-o", "json")

    assert before == ["fleet.yaml", "org", "own.yaml"]
    assert rows(shown.out) == {"fleet": "same", "acme": "added", "motd": "added", "files/motd": "added"}
    assert rows(written.out) == rows(shown.out)
    assert set(rows(again.out).values()) == {"same"}
    assert {path: (root / path).read_bytes() for path in canned.EXPORTED} == canned.EXPORTED


def test_what_differs_ends_with_9_and_nothing_is_written(guru: Guru, tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    seed(root, {"fleet.yaml": canned.EXPORTED["fleet.yaml"], "customers/acme/mine.yaml": MINE})

    refused = guru("import", "server", "-d", str(root), "--write", "-o", "json")

    assert refused.code == 9
    assert "Customer acme" in refused.err
    assert json.loads(refused.out)["written"] is False
    assert next(row for row in json.loads(refused.out)["items"] if row["name"] == "acme")["reason"] == (
        "it differs from customers/acme/customer.yaml in spec.timezone")
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["fleet.yaml", "mine.yaml"]


def test_overwriting_changes_the_value_and_keeps_every_comment_of_what_stays(guru: Guru, tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    seed(root, {"fleet.yaml": canned.EXPORTED["fleet.yaml"], "customers/acme/mine.yaml": MINE.replace(
        "  timezone", "  displayName: Acme   # as they say\n  timezone")})

    done = guru("import", "server", "-d", str(root), "--write", "--overwrite", "-o", "json")
    text = (root / "customers/acme/mine.yaml").read_text()

    assert done.code == 0, done.err
    assert rows(done.out)["acme"] == "replaced"
    assert "timezone" not in text
    assert {"# the file of mine", "# a customer", "# the second", "# mine"} <= set(comments(text))
    assert not (root / "customers/acme/customer.yaml").exists()
    assert guru("fmt", str(root), "--check").code == 0


def test_a_file_that_objects_carry_is_a_conflict_too(guru: Guru, tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    seed(root, {"fleet.yaml": canned.EXPORTED["fleet.yaml"], "files/motd": "mine"})

    assert guru("import", "server", "-d", str(root), "--write").code == 9
    assert (root / "files/motd").read_text() == "mine"


def test_a_repository_that_would_get_a_fault_is_left_alone(guru: Guru, double: Double, tmp_path: Path) -> None:
    bad = {**canned.EXPORTED, "org/rule.yaml": b"apiVersion: guru/v1\nkind: AlertRule\nmetadata: {name: r}\n"
                                               b"spec: {check: cpu, notify: [nobody]}\n"}
    double.answers["GET /exports"] = canned.export(bad)
    double.answers["POST /exports/contents"] = {"contents": canned.contents(bad)}

    refused = guru("import", "server", "-d", str(tmp_path / "fleet"), "--write")

    assert refused.code == 10
    assert "org/rule.yaml:4" in refused.err
    assert not (tmp_path / "fleet").exists()


def test_one_object_of_a_file_comes_alone_with_its_comments() -> None:
    theirs = {"org/all.yaml": b"# first\napiVersion: guru/v1\nkind: Policy\nmetadata: {name: a}\nspec: {}\n"
                              b"---\n# second\napiVersion: guru/v1\nkind: Policy\nmetadata: {name: b}\nspec: {}\n"}
    mine = {"org/mine.yaml": b"apiVersion: guru/v1\nkind: Policy\nmetadata:\n  name: a\nspec: {}\n"}

    merge = merged(mine, theirs, {})

    assert [(row.state, row.name, row.path) for row in merge.rows] == [
        ("same", "a", "org/mine.yaml"), ("added", "b", "org/b.policy.yaml")]
    assert merge.writes["org/b.policy.yaml"].startswith(b"# second\n")


def test_true_is_not_1_and_a_rollout_has_an_order() -> None:
    def rollout(batches: str) -> bytes:
        return f"apiVersion: guru/v1\nkind: Rollout\nmetadata: {{name: r}}\nspec: {{batches: {batches}}}\n".encode()

    def state(mine: str, theirs: str) -> str:
        (row,) = merged({"org/a.yaml": rollout(mine)}, {"org/a.yaml": rollout(theirs)}, {}).rows
        return row.state

    assert state("{a: {limit: 1}, b: {}}", "{b: {}, a: {limit: 1}}") == "differs"
    assert state("{a: {limit: 1}}", "{a: {limit: true}}") == "differs"
    assert state("{a: {limit: 1}}", "{'a': {limit: 0x1}}") == "same"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.text("ab: #'\"\n-", max_size=8),
              st.sampled_from(["yes", "1e3", "0o7", "~", "a\n", "\n", "a\n\n"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(spec=st.dictionaries(st.sampled_from(["checks", "timezone", "a", "b"]), VALUES, max_size=4),
       number=st.integers(0, 1))
def test_a_changed_document_says_exactly_what_was_wanted_and_the_other_one_what_it_said(
    spec: dict[str, object], number: int
) -> None:
    before = [plain(one) for one in read_yaml("a", MINE.encode()).documents]
    wanted = {**before[number], "spec": spec}  # type: ignore[dict-item]  # both documents are maps
    try:
        text = with_document("org/a.yaml", MINE.encode(), number, wanted)
    except InputInvalid:
        return
    after = [plain(one) for one in read_yaml("a", text).documents]

    assert json.dumps(after[number], sort_keys=True) == json.dumps(wanted, sort_keys=True)
    assert after[1 - number] == before[1 - number]
    assert {"# the file of mine", "# a customer", "# the second"} <= set(comments(text.decode()))


@pytest.mark.parametrize("number", [0, 1])
def test_a_document_is_cut_out_with_its_comments(number: int) -> None:
    text = document_text("a", MINE.encode(), number).decode()

    assert text.rstrip("\n") + "\n" == MINE.split("---\n")[number]
