"""What TAB offers where no server need be known, and what it remembers of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gurucli import contexts
from gurucli.completing import candidates
from gurucli.environment import Environment
from tests.cli.canned import JOB
from tests.cli.conftest import Guru

COMPLETE = Path(sys.modules["gurucli.completing"].__file__ or "").with_name("complete.py")


@pytest.fixture(autouse=True)
def _person(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(environment.home))
    for name in ("GURU_URL", "GURU_CONFIG", "GURU_CONTEXT", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


def offered(*done: str, start: str = "") -> list[str]:
    found = candidates(list(done), start)
    assert found is not None
    return [word for word, _ in found]


@pytest.mark.parametrize(("done", "current", "words"), [
    (["run", "web01", "--shell"], "p", ["powershell", "python"]),
    (["run", "web01", "--"], "", []), (["override", "set", "web01"], "", []), (["device", "label", "web01"], "", []),
    (["job"], "re", ["rerun"]), (["device", "list", "--color"], "a", ["auto", "always"]),
    (["query", "--tables"], "pr", ["processes"]), (["query", "-l", "site=hq", "--tables"], "us", ["usb", "users"]),
    (["query"], "pr", []), (["device", "inventory", "web01"], "k", ["kernel"]),
    (["device", "inventory", "web01"], "pro", []), (["explain"], "Pol", ["Policy"]), (["explain"], "G049", ["G0495"]),
    (["explain"], "exit", ["exit-codes"]),
])
def test_tab_offers_what_may_stand_there(done: list[str], current: str, words: list[str]) -> None:
    assert offered(*done, start=current) == words


def test_tab_leaves_files_to_the_shell() -> None:
    assert candidates(["run", "web01", "--file"], "") is None


def test_tab_offers_the_jobs_that_were_listed(guru: Guru) -> None:
    assert guru("job", "list").code == 0

    assert offered("job", "show", start=JOB[:2]) == [JOB[:8]]
    assert offered("job", "output", start="x") == []


def test_the_background_refresh_remembers_devices_and_jobs(environment: Environment) -> None:
    done = subprocess.run([sys.executable, "-I", "-m", "gurucli.refresh"], timeout=60, check=False)

    assert done.returncode == 0
    assert offered("job", "cancel") == [JOB[:8]]
    assert "web01" in offered("device", "show")


def test_tab_knows_aliases_and_what_may_follow_their_line(environment: Environment) -> None:
    config = contexts.load(environment.config)
    contexts.save(environment.config, config.naming({
        **config.aliases, "shade": "query --tables", "device": "job list", "torn": "job 'list"}))

    assert offered(start="h") == ["hq"]
    assert offered("hq", start="--sta") == ["--state"]
    assert offered("--plain", "shade", start="usb") == ["usb"]
    assert offered("device", start="sh") == ["show"]
    assert offered("torn", start="x") == []


def test_tab_offers_programs_on_path_and_leaves_their_words_to_the_shell(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("guru-shows", "guru-server"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert offered(start="sho") == ["shows"]
    assert "server" not in offered()
    assert candidates(["shows"], "-") is None
    assert candidates(["shows", "--context"], "x") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"aliases": []}', '{"aliases": {"a": 1}, "contexts": 3}'])
def test_a_damaged_configuration_never_disturbs_tab(text: str, environment: Environment) -> None:
    environment.config.write_text(text)

    assert offered(start="ver") == ["version"]
    assert offered("context", "use") == []
    assert offered("a", start="x") == []


def test_tab_works_without_any_package_of_others(environment: Environment) -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(COMPLETE), "bash", "1", "guru", "h"], capture_output=True,
                          env={"HOME": str(environment.home), "PATH": "/usr/bin"}, text=True, timeout=60, check=True)

    assert done.stdout == "hq\n"
