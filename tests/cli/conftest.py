"""`guru` in this process and as a process of its own, against a real HTTPS double with its own authority."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from gurucli import contexts
from gurucli.environment import Environment
from gurucli.main import run
from tests.cli import canned
from tests.cli.double import TOKEN, Authority, Double, make_authority, serve

GURU = str(Path(sys.executable).with_name("guru"))


class Result(NamedTuple):
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    """A stream in UTF-8 that remembers."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="replace", write_through=True)

    def text(self) -> str:
        """What was written."""
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode()


Guru = Callable[..., Result]


@pytest.fixture(scope="session")
def authority() -> Authority:
    """One authority for all doubles."""
    return make_authority()


@pytest.fixture(scope="session")
def _serving(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    double = Double(authority)
    server = serve(double, tmp_path_factory.mktemp("tls"))
    yield double
    server.shutdown()
    server.server_close()


@pytest.fixture
def double(_serving: Double, authority: Authority) -> Double:
    """The server, with its canned answers and no requests yet."""
    _serving.answers = canned.answers(authority)
    _serving.asked.clear()
    _serving.losing, _serving.busy, _serving.otherwise = 0, 0, None
    return _serving


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(home: Path, double: Double, authority: Authority) -> Environment:
    """Signed in at the double, in a pipe."""
    place = home / ".config/guru/config.json"
    here = contexts.Context("test", double.url, TOKEN, authority.ca)
    contexts.save(place, contexts.Config(aliases={"hq": "device list -l site=hq"}).with_context(here))
    return Environment(config=place, cache=home / ".cache/guru", home=home)


@pytest.fixture
def guru(environment: Environment) -> Guru:
    """Run a command line in this process: `guru("device", "list", columns=40)` is on a terminal of 40 columns."""

    def go(*argv: str, columns: int = 0, **more: object) -> Result:
        terminal = {"stdout_terminal": True, "columns": columns, "term": "xterm"} if columns else {}
        surroundings = replace(environment, **terminal | more)  # type: ignore[arg-type]  # fields by name
        out, err = Terminal(), Terminal()
        code = run(list(argv), surroundings, out, err)
        return Result(int(code), out.text(), err.text())

    return go


@pytest.fixture
def process(home: Path, environment: Environment) -> Guru:
    """Run a command line as a process of its own."""

    def go(*argv: str, stdin: str = "", **env: str) -> Result:
        done = subprocess.run(
            [GURU, *argv], capture_output=True, timeout=60, input=stdin.encode(),
            env={"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | env)
        return Result(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    return go
