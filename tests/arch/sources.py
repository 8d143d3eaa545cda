"""What the architecture tests look at: our files, as Git has them."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTABLES = {
    "policies": ("guru_policy", "guru_wire"),
    "agent": ("guru_agent",),
    "server": ("guru_server",),
    "gurucli": ("gurucli",),
}


class Source(NamedTuple):
    """One Python file of the product or its tools."""

    path: str
    text: str
    tree: ast.Module


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, timeout=30,
    )
    names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files below these folders, tests left out."""
    chosen = folders or (*DISTRIBUTABLES, "tools")
    return tuple(
        Source(str(path.relative_to(ROOT)), text, ast.parse(text))
        for path in files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in chosen
        for text in [path.read_text()]
    )


@cache
def project(folder: str) -> dict[str, object]:
    """The [project] table of a distributable."""
    table: dict[str, object] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return table
