"""Files and functions that can be read at one sitting."""

from __future__ import annotations

import ast

from tests.arch.sources import files, sources

MOST_LINES, MOST_OF_A_FUNCTION = 400, 60
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base2"}


def test_no_source_file_is_longer_than_400_lines() -> None:
    long = {file.path: lines for file in sources() if (lines := file.text.count("\n")) > MOST_LINES}

    assert long == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        f"{file.path}:{node.lineno} {node.name}": lines
        for file in sources()
        for node in ast.walk(file.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_OF_A_FUNCTION
    }

    assert long == {}


def test_no_file_is_named_after_nothing() -> None:
    assert [path for path in files() if path.stem in BANNED or path.parent.name in BANNED] == []


def test_every_source_file_opens_with_a_sentence() -> None:
    silent = [file.path for file in sources() if file.tree.body and not opening(file.tree).endswith(".")]

    assert silent == []


def opening(tree: ast.Module) -> str:
    """The first paragraph of a file's docstring."""
    return (ast.get_docstring(tree) or "").partition("\n\n")[0].rstrip()


def test_no_command_returns_an_exit_instead_of_raising_it() -> None:
    returned = [
        f"{file.path}:{node.lineno}"
        for file in sources("gurucli")
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Return) and node.value and "typer.Exit" in ast.unparse(node.value)
    ]

    assert returned == []
