"""Pages that are where readers look for them, in the form that was agreed on."""

from __future__ import annotations

import ast
import re

import pytest

from tests.arch.sources import ROOT, files, sources
from tools.docs import index

HEADINGS = ("## Context", "## Decision", "## Consequences")
ADRS = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
FRAGMENTS = [path for path in sorted((ROOT / "changes").iterdir()) if path.name != "README.md"]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.name)
def test_a_decision_has_context_decision_and_consequences(path: object) -> None:
    text = (ROOT / "docs/adr" / str(path)).read_text()
    number = str(path).rpartition("/")[2][:4]

    assert text.startswith(f"# {number}: ")
    assert text.count("\n") <= 40
    assert tuple(line for line in text.splitlines() if line.startswith("## ")) == HEADINGS


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_a_paragraph_of_whole_sentences(path: object) -> None:
    name = str(path).rpartition("/")[2]
    text = (ROOT / "changes" / name).read_text()

    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*\.(?:added|changed|fixed|removal|security)\.md", name)
    assert re.fullmatch(r"[A-Z`][^\n]*(?:\n[^\n]+)*\.\n", text)
    assert len(text) <= 400


def test_every_page_is_in_the_index_of_the_docs() -> None:
    assert (ROOT / "docs/README.md").read_text() == index(ROOT / "docs")


def test_every_kind_has_its_page() -> None:
    missing = [kind for kind in sorted(kinds()) if not (ROOT / f"docs/kinds/{kind}.md").is_file()]

    assert missing == []


def kinds() -> set[str]:
    """The kinds of checks and resources, and of objects by file name."""
    found = set[str]()
    for file in sources("policies"):
        folder = file.path.split("/")[-2]
        if folder == "kinds" and not file.path.endswith(("/__init__.py", "/base.py")):
            found.add(file.path.rpartition("/")[2].removesuffix(".py"))
        if folder in ("checks", "resources"):
            found |= {
                str(node.value.value)
                for node in ast.walk(file.tree)
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
                and node.target.id == "kind" and isinstance(node.value, ast.Constant)
            }
    return found


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in files() if page.suffix == ".md"
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]

    assert broken == []
