"""Writes the generated pages and parts of docs/, or tells which of them drifted. It invents nothing."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from tools import api_page
from tools.api_changes import breaking
from tools.kind_pages import with_fields
from tools.table_page import page as table_page

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
FIRST = ("getting-started.md", "tasks.md", "install.md", "fleet-repository.md", "language.md", "architecture.md")
HEAD = """# Documentation

Written by `make docs` from the title and first sentence of each page.
"""


def index(docs: Path) -> str:
    """docs/README.md: every page, by folder."""
    parts = [HEAD]
    folders = {page.parent for page in docs.rglob("*.md")}
    for folder in sorted(folders, key=lambda folder: (folder != docs, folder)):
        pages = [page for page in sorted(folder.glob("*.md")) if page != docs / "README.md"]
        pages.sort(key=lambda page: (FIRST.index(page.name) if page.name in FIRST else len(FIRST), page.name))
        if folder != docs:
            parts.append(f"## {folder.relative_to(docs).as_posix()}\n")
        parts.append("".join(_line(page, docs) for page in pages))
    return "\n".join(parts)


def main(argv: list[str] | None = None) -> int:
    """Write, or with --check compare; 1 when something drifted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page drifted")
    only_look = parser.parse_args(argv).check
    api = api_page.made()
    if taken := _taken(api):
        print("\n".join(f"error: {line}" for line in taken), file=sys.stderr)
        print("hint: keep it, or tell people with changes/<slug>.removal.md (docs/api.md)", file=sys.stderr)
        return 1
    wanted = {ROOT / "docs/README.md": index(ROOT / "docs"), ROOT / "docs/tables.md": table_page()}
    wanted |= {ROOT / "docs/api/README.md": api_page.page(api), ROOT / "docs/api/openapi.json": api_page.text(api)}
    for page in sorted((ROOT / "docs/kinds").glob("*.md")):
        wanted[page] = with_fields(page.stem, page.read_text())
    drifted = {page: text for page, text in wanted.items() if not page.is_file() or page.read_text() != text}
    for page, text in drifted.items():
        if only_look:
            name = page.relative_to(ROOT).as_posix()
            print(f"error: {name} is not what it is made from\nhint: make docs", file=sys.stderr)
        else:
            page.write_text(text)
    return 1 if drifted and only_look else 0


def _taken(api: dict[str, object]) -> list[str]:
    """What the API would take away from those who use the one that was written last, without having told them."""
    last = ROOT / "docs/api/openapi.json"
    if not last.is_file() or any((ROOT / "changes").glob("*.removal.md")):
        return []
    return breaking(json.loads(last.read_text()), api)


def _line(page: Path, docs: Path) -> str:
    lines = page.read_text().splitlines()
    title = next((line.lstrip("# ") for line in lines if line.startswith("# ")), page.stem)
    return f"- [{title}]({page.relative_to(docs).as_posix()}): {_sentence(lines)}\n"


def _sentence(lines: list[str]) -> str:
    """The first sentence of the first paragraph, on one line."""
    paragraph: list[str] = []
    for line in lines:
        if line and not line.startswith(("#", "|", "```", "-", ">")):
            paragraph.append(line.strip())
        elif paragraph:
            break
    text = _LINK.sub(r"\1", " ".join(paragraph))      # a link of a page leads elsewhere from the index
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


if __name__ == "__main__":
    sys.exit(main())
