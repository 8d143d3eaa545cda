"""`guru fmt` keeps what a file says and every comment, whatever it looked like before."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from gurucli.formatting import comments, formatted
from tests.cli.conftest import Guru

ROOT = Path(__file__).parents[2]
FILES = sorted([
    *(ROOT / "examples").rglob("*.yaml"), *(ROOT / "policies/library").rglob("*.yaml"),
    *(ROOT / "gurucli/gurucli/starter").rglob("*.yaml"),
])
SHUFFLED = """\
# the file
spec:   # what
    checks:
        # about disk
        disk: {kind: disk_space,   path: /}  # the root

        list:
        - one   # first
        - two
    text: |   # a block
        # not a comment

        there

# about the name
metadata:
  name: x # name
kind: "Policy"
apiVersion: guru/v1
"""


def meaning(text: str) -> list[object]:
    reading = read_yaml("org/a.yaml", text.encode())
    assert reading.faults == ()
    return [plain(document) for document in reading.documents]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_own_files_are_in_form(path: Path) -> None:
    text = path.read_text()

    assert formatted("org/a.yaml", text.encode()).text == text


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_formatting_keeps_the_meaning_and_every_comment_and_is_done_at_once(data: st.DataObject) -> None:
    text = mangled(data, data.draw(st.sampled_from(FILES)).read_text())

    found = formatted("org/a.yaml", text.encode())

    assert found.faults == ()
    assert meaning(found.text) == meaning(text)
    assert sorted(comments(found.text)) == sorted(comments(text))
    assert formatted("org/a.yaml", found.text.encode()).text == found.text


def mangled(data: st.DataObject, text: str) -> str:
    """The text as other hands would have written it: keys moved, other indentation, more comments."""
    documents = []
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        head, *chunks = re.split(r"^(?=[a-zA-Z])", document, flags=re.MULTILINE)
        documents.append(head + "".join(data.draw(st.permutations(chunks))))
    factor = data.draw(st.integers(1, 3))
    lines = [
        " " * ((len(line) - len(line.lstrip())) * factor) + line.lstrip()
        for line in "---\n".join(documents).split("\n")
    ]
    for _ in range(data.draw(st.integers(0, 3))):
        top = [i for i, line in enumerate(lines) if re.match("[a-zA-Z]", line)]
        at, remark = data.draw(st.sampled_from(top)), data.draw(st.text("ab #:'{", max_size=8))
        if "# " not in lines[at]:
            lines[at:at + 1] = [f"#{remark}", lines[at]] if data.draw(st.booleans()) else [f"{lines[at]} #{remark}"]
    return data.draw(st.sampled_from(["\n", "\r\n"])).join(lines)


def test_keys_come_in_order_with_the_comments_above_them() -> None:
    text = formatted("org/a.yaml", SHUFFLED.encode()).text

    assert re.findall(r"^\w+", text, re.MULTILINE) == ["apiVersion", "kind", "metadata", "spec"]
    assert "# about the name\nmetadata:" in text
    assert "    # about disk\n    disk: {kind: disk_space, path: /}" in text
    assert "      - one" in text


def test_a_file_with_a_fault_is_left_as_it_is() -> None:
    found = formatted("org/a.yaml", b"kind: Policy\nkind: Policy\n")

    assert found.text == "kind: Policy\nkind: Policy\n"
    assert [fault.origin.line for fault in found.faults] == [2]


def test_check_names_the_file_and_writes_nothing(guru: Guru, tmp_path: Path) -> None:
    target = tmp_path / "org/a.yaml"
    target.parent.mkdir()
    target.write_text(SHUFFLED)

    checked = guru("fmt", str(tmp_path), "--check", "-o", "json")
    assert checked.code == 10
    assert json.loads(checked.out)["items"][0]["path"] == "org/a.yaml"
    assert target.read_text() == SHUFFLED

    assert guru("fmt", str(tmp_path)).code == 0
    assert target.read_text() == formatted("org/a.yaml", SHUFFLED.encode()).text
    assert guru("fmt", str(tmp_path), "--check").code == 0


def test_a_tab_inside_braces_is_named_and_the_file_left_alone() -> None:
    text = 'kind: Policy\nspec: {\n \t"checks": {}\n  }\napiVersion: guru/v1\nmetadata: {name: a}\n'

    found = formatted("org/a.yaml", text.encode())

    assert found.text == text
    assert found.faults[0].severity == "warning"
    assert "cannot be written again" in found.faults[0].message


def shown() -> list[str]:
    """Every YAML text that the docs show, as far as it is YAML."""
    texts = [text for page in sorted((ROOT / "docs").rglob("*.md"))
             for text in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)]
    return [text for text in texts if not read_yaml("a", text.encode()).faults]


def test_what_the_docs_show_keeps_its_meaning_and_comments() -> None:
    texts = shown()
    for text in texts:
        found = formatted("org/a.yaml", text.encode())

        assert found.faults == (), text
        assert meaning(found.text) == meaning(text)
        assert sorted(comments(found.text)) == sorted(comments(text))
    assert len(texts) > 50


def test_what_holds_no_objects_is_not_touched(guru: Guru, tmp_path: Path) -> None:
    for path in (".github/workflows/ci.yml", "files/app.yaml", ".gitlab-ci.yml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("b:   1\na:\n- 2\n")

    assert guru("fmt", str(tmp_path)).code == 0
    assert (tmp_path / "files/app.yaml").read_text() == "b:   1\na:\n- 2\n"
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "b:   1\na:\n- 2\n"
