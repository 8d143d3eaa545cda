"""Commands that others add: programs on PATH and packages. None is run for help, and none breaks another command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import GURU, Guru
from tests.cli.double import TOKEN

SHOWS = """#!/bin/sh
printf '%s|' "$@"; printf 'context=%s url=%s token=%s\\n' "$GURU_CONTEXT" "$GURU_URL" "$GURU_TOKEN"
cat; echo told >&2; exit 7
"""
GOOD = """from gurucli.cli import Cli
from gurucli.sheet import Column, record
import typer
COLUMNS = (Column("greeting"),)
EXAMPLES = (("guru hello", "says hello"),)
def run(ctx: typer.Context, who: str = "you") -> None:
    '''Say hello.'''
    if who == "nobody":
        raise RuntimeError("no such body")
    ctx.obj.out.result(record({"greeting": f"hello {who}"}, COLUMNS))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of programs: one that shows what it gets, one that leaves a mark, and some that are none."""
    made = tmp_path / "bin"
    made.mkdir()
    for name, text in {"guru-shows": SHOWS, "guru-marks": f"#!/bin/sh\ntouch {tmp_path}/ran\n", "guru-device": SHOWS,
                       "guru-server": SHOWS, "guru-Odd\x1b[1m": SHOWS, "guru-bare": "echo no first line\n"}.items():
        (made / name).write_text(text)
        (made / name).chmod(0o755)
    (made / "guru-plain").write_text(SHOWS)
    return made


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder as of installed packages: `hello` works, `broken` cannot be imported, `version` is taken."""
    site = tmp_path / "site"
    info = site / "greetings-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: greetings\nVersion: 1\nSummary: Greets \x1b[31mpeople\n")
    (info / "entry_points.txt").write_text(
        "[guru.commands]\nhello = greetings_hello\nbroken = greetings_broken\nempty = greetings_empty\n"
        "version = greetings_broken\n")
    (site / "greetings_hello.py").write_text(GOOD)
    (site / "greetings_broken.py").write_text("raise SystemExit('half installed')\n")
    (site / "greetings_empty.py").write_text("")
    return site


def paths(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_a_program_gets_words_input_and_surroundings_and_its_exit_code_is_ours(process: Guru, folder: Path) -> None:
    told = process("shows", "-o", "json", "a b", "--help", stdin="typed\n", GURU_CONTEXT="test", GURU_TOKEN="t",
                   **paths(folder))

    assert told == (7, "-o|json|a b|--help|context=test url= token=t\ntyped\n", "told\n")


def test_a_context_in_front_goes_before_the_url_and_takes_its_own_token(process: Guru, folder: Path) -> None:
    told = process("--context", "test", "shows", GURU_URL="https://elsewhere.example", GURU_TOKEN="t", **paths(folder))

    assert told.out == "|context=test url= token=\n"
    assert TOKEN not in told.out + told.err


@pytest.mark.parametrize("words", ["-o json shows", "help shows", "plain", "server", "Odd", "../x"])
def test_what_is_no_plugin_or_not_asked_for_is_a_usage_error(words: str, process: Guru, folder: Path) -> None:
    told = process(*words.split(), **paths(folder))

    assert (told.code, "context=" in told.out) == (2, False)


def test_programs_of_a_relative_folder_are_never_run(folder: Path) -> None:
    done = subprocess.run([GURU, "shows"], capture_output=True, timeout=60, cwd=folder,
                          env={"HOME": str(folder), "PATH": f".{os.pathsep}{os.pathsep}/usr/bin:/bin"})

    assert done.returncode == 2


def test_a_program_that_the_system_cannot_start_is_told(process: Guru, folder: Path) -> None:
    told = process("bare", **paths(folder))

    assert told.code == 1
    assert "guru-bare cannot be started" in told.err


def test_help_lists_plugins_and_runs_none(process: Guru, folder: Path, package: Path, tmp_path: Path) -> None:
    (package / "torn-1.dist-info").mkdir()
    (package / "torn-1.dist-info/entry_points.txt").write_bytes(b"[guru.commands]\nno\xff sign\n")
    told = process("--help", PYTHONPATH=str(package), **paths(folder))
    section = told.out.partition("\nPlugins\n")[2].partition("\n\n")[0].splitlines()

    assert told.code == 0
    assert section == ["  bare", *(f"  {word:<12}Greets people" for word in ("broken", "empty", "hello")), "  marks",
                       "  shows"]
    assert not (tmp_path / "ran").exists()


def test_a_command_of_guru_is_never_a_plugin(process: Guru, folder: Path, package: Path) -> None:
    told = process("version", "-o", "json", PYTHONPATH=str(package), **paths(folder))

    assert told.code == 0
    assert process("device", "--help", **paths(folder)).out.startswith("Look at devices")


def test_a_command_of_a_package_takes_the_options_of_every_command(process: Guru, package: Path) -> None:
    told = process("-o", "json", "hello", "--who", "ada", PYTHONPATH=str(package))
    helped = [process(*words, PYTHONPATH=str(package)) for words in (("help", "hello"), ("hello", "--help"))]

    assert json.loads(told.out)["greeting"] == "hello ada"
    assert all(one.code == 0 and "guru hello" in one.out and "--fields" in one.out for one in helped)
    assert process("hello", "--fields", "help", PYTHONPATH=str(package)).out == "greeting\n"


@pytest.mark.parametrize(("argv", "why"), [(("broken",), "half installed"), (("empty",), "has no attribute 'run'"),
                                           (("hello", "--who", "nobody"), "the plugin hello failed")])
def test_a_broken_package_says_so_and_only_for_its_own_word(argv: tuple[str, ...], why: str, process: Guru,
                                                            package: Path) -> None:
    told = process(*argv, PYTHONPATH=str(package))

    assert told.code == 1
    assert why in told.err
    assert "guru itself" not in told.err


def test_a_command_of_guru_looks_for_no_plugin() -> None:
    program = ("import sys; from gurucli.main import run; from gurucli.environment import read_environment\n"
               "run(['version'], read_environment(), sys.stdout, sys.stderr)\n"
               "print({'gurucli.foreign', 'gurucli.plugins', 'importlib.metadata'} & set(sys.modules) - before)")
    done = subprocess.run([sys.executable, "-c", "import sys; before = {'importlib.metadata'}\n" + program],
                          capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.splitlines()[-1] == "set()"


def test_help_without_plugins_does_not_load_what_reads_packages() -> None:
    program = ("import sys; from gurucli.main import run; from gurucli.environment import read_environment\n"
               "run(['--help'], read_environment(), sys.stdout, sys.stderr)\n"
               "print('importlib.metadata' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.splitlines()[-1] == "False"
