"""Writes the generated pages of docs/, or tells which of them drifted. It invents nothing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
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
    page, wanted = ROOT / "docs/README.md", index(ROOT / "docs")
    if page.is_file() and page.read_text() == wanted:
        return 0
    if only_look:
        print("error: docs/README.md is not what the pages say\nhint: make docs", file=sys.stderr)
        return 1
    page.write_text(wanted)
    return 0


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
    text = " ".join(paragraph)
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


if __name__ == "__main__":
    sys.exit(main())
