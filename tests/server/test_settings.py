"""The settings: their sources, and what a fault looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_policy.errors import InputInvalid
from guru_server.settings import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "server.yaml"


def test_flags_win_over_the_environment_and_that_over_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("listen: 127.0.0.1:1\ngit: {url: file:///a, branch: b, poll: 7}\nlog: {level: error}\n")
    monkeypatch.setenv("GURU_SERVER_GIT__BRANCH", "from-env")
    monkeypatch.setenv("GURU_SERVER_LISTEN", "127.0.0.1:2")

    settings = load(file, {"listen": "127.0.0.1:3"})

    assert (settings.listen, settings.port) == ("127.0.0.1:3", 3)
    assert (settings.git.url, settings.git.branch, settings.git.poll) == ("file:///a", "from-env", 7)


def test_the_database_is_a_file_in_the_data_folder_unless_named(tmp_path: Path) -> None:
    assert load(None, {"data": str(tmp_path)}).database_url == f"sqlite:///{tmp_path}/guru.db"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("listen: nowhere\n", "listen"),
        ("url: http://plain.example\n", "url"),
        ("git: {poll: 0}\n", "git.poll"),
        ("smtp: {port: many}\n", "smtp.port"),
    ],
)
def test_a_faulty_setting_is_named(file: Path, text: str, field: str) -> None:
    file.write_text(text)
    with pytest.raises(InputInvalid, match=f"the setting {field} is not acceptable") as caught:
        load(file, {})

    assert caught.value.exit_code == 10
    assert caught.value.hint


def test_an_unknown_setting_comes_with_a_suggestion(file: Path) -> None:
    file.write_text("git: {brunch: main}\n")
    with pytest.raises(InputInvalid, match=r"git\.brunch does not exist") as caught:
        load(file, {})

    assert caught.value.hint == "did you mean 'branch'?"


def test_a_secret_never_shows_in_a_fault_or_a_print(file: Path) -> None:
    file.write_text("webhooks: {github: [hunter2]}\n")
    with pytest.raises(InputInvalid) as caught:
        load(file, {})
    file.write_text("webhooks: {github: hunter2}\n")

    assert "hunter2" not in caught.value.message + repr(load(file, {}))


@pytest.mark.parametrize("text", ["a: [", "- a\n", "\x00"])
def test_a_file_that_is_no_map_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(InputInvalid, match="the configuration"):
        load(file, {})
