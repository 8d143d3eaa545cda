"""What `make audit` goes by: the closure of each distributable, and its lock."""

from __future__ import annotations

import re

import pytest

from tests.arch.sources import ROOT
from tools.audit import DISTRIBUTABLES, closure, locked


@pytest.mark.parametrize(("package", "there", "not_there"), [
    ("guru-policy", {"pydantic", "cryptography", "pyyaml"}, {"fastapi", "typer", "websockets"}),
    ("guru-agent", {"websockets", "psutil", "pydantic"}, {"fastapi", "sqlalchemy", "typer"}),
    ("guru-server", {"fastapi", "starlette", "sqlalchemy", "psycopg", "psycopg-binary"}, {"typer", "pytest", "ruff"}),
    ("gurucli", {"typer", "ruamel-yaml", "pydantic"}, {"fastapi", "pytest"}),
])
def test_a_bill_of_materials_names_what_a_distributable_needs_and_no_more(
    package: str, there: set[str], not_there: set[str]
) -> None:
    found = closure(package, locked())

    assert there <= found
    assert not found & not_there
    assert not found & DISTRIBUTABLES.keys()


def test_the_lock_of_the_tools_names_versions_and_hashes_only() -> None:
    lock = (ROOT / "requirements-audit.lock").read_text()

    assert not re.search(r"https?:|--(?:extra-)?index-url|--find-links|file:| @ ", lock)
    assert {"pip-audit", "detect-secrets", "cyclonedx-bom"} <= locked(ROOT / "requirements-audit.lock").keys()
    for package in re.split(r"\n(?=\S)", lock.split("\n", 1)[1]):
        assert "--hash=sha256:" in package, package[:60]
