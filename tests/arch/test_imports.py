"""What programs load, looked at from outside: a fresh interpreter each."""

from __future__ import annotations

import subprocess
import sys

import pytest

LANGUAGE = {"subprocess", "socket", "sqlite3", "asyncio", "http.client", "ssl"}
AGENT = {
    "fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "httpx", "yaml", "typer", "rich",
    "guru_server",
}
CLI = {"pydantic", "asyncio", "rich", "httpx", "fastapi", "sqlalchemy", "yaml", "guru_server", "guru_agent"}


def loaded(module: str) -> set[str]:
    """The modules in memory after an import, less those an empty interpreter has."""
    program = f"import sys; empty = set(sys.modules); import {module}; print(*set(sys.modules) - empty)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("guru_policy.errors", LANGUAGE),
        ("guru_agent.main", AGENT),
        ("gurucli.main", CLI),
        ("gurucli.complete", CLI | {"typer", "click"}),
    ],
)
def test_importing_a_program_leaves_out_what_it_has_no_use_for(module: str, never: set[str]) -> None:
    assert loaded(module) & never == set()
