"""Dependency lists that say what the code imports, no more and no less."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement

from guru_wire.version import VERSION
from tests.arch.sources import DISTRIBUTABLES, ROOT, project, sources

OURS = {name for names in DISTRIBUTABLES.values() for name in names}
LOADED_BY_NAME = {
    "policies": {"tzdata": "zoneinfo, where the system has no time zones"},
    "server": {"psycopg": "SQLAlchemy's dialect postgresql+psycopg", "uvloop": "uvicorn's loop",
               "websockets": "uvicorn's WebSockets"},
}
PARTS = {"pydantic_core": "pydantic", "starlette": "fastapi"}     # the whole pins its part to one version


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def providers() -> dict[str, set[str]]:
    return {module: {normal(name) for name in names} for module, names in packages_distributions().items()}


def imported(folder: str) -> Iterator[str]:
    """The top-level names of what the code imports, the standard library and our own packages left out."""
    for file in sources(folder):
        for node in ast.walk(file.tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                top = PARTS.get(name.split(".")[0], name.split(".")[0])
                if top not in sys.stdlib_module_names and top not in OURS:
                    yield top


def declared(folder: str) -> set[str]:
    listed = project(folder)["dependencies"]
    assert isinstance(listed, list)
    return {normal(Requirement(line).name) for line in listed}


@pytest.mark.parametrize("folder", DISTRIBUTABLES)
def test_a_program_declares_what_it_imports(folder: str) -> None:
    base = declared("policies") if folder != "policies" else set()
    undeclared = {
        name for name in imported(folder) if not providers().get(name, {name}) & (declared(folder) | base)
    }

    assert undeclared == set()


@pytest.mark.parametrize("folder", DISTRIBUTABLES)
def test_a_program_imports_what_it_declares(folder: str) -> None:
    used = {package for name in set(imported(folder)) for package in providers().get(name, ())}
    by_name = LOADED_BY_NAME.get(folder, {}).keys()

    assert declared(folder) - used - by_name - {"guru-policy"} == set()


def test_the_four_distributables_share_one_version() -> None:
    assert {str(project(folder)["version"]) for folder in DISTRIBUTABLES} == {VERSION}


def test_programs_depend_on_the_very_same_version_of_the_language() -> None:
    for folder in ("agent", "server", "gurucli"):
        assert f"guru-policy=={VERSION}" in project(folder)["dependencies"]  # type: ignore[operator]


def test_what_the_agent_installs_is_what_a_reviewer_agreed_to() -> None:
    closure, waiting = set[str](), ["guru-agent"]
    while waiting:
        name = waiting.pop()
        if name in closure:
            continue
        closure.add(name)
        for line in requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": "", "python_version": "3.11"}):
                waiting.append(normal(needed.name))
    agreed = (ROOT / "tests/arch/agent_dependencies.txt").read_text().split()

    assert sorted(closure - {"guru-agent", "guru-policy"}) == agreed
