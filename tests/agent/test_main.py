"""The program's face: exit codes, errors that help, settings, one agent for a folder, and systemd."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import orjson
import pytest

from guru_agent.logs import _Lines
from guru_agent.main import main
from guru_agent.running import only_one
from guru_agent.settings import load_settings, proxy_for
from guru_agent.state.store import open_store
from guru_agent.supervise import keep_alive
from guru_agent.systemd import Notifier
from guru_policy.errors import Conflict, InputInvalid
from tests.agent.conftest import Parts


@pytest.mark.parametrize("verb", [["status"], ["converge", "--once"], ["run"]])
def test_a_device_that_never_enrolled_is_told_how(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*verb, "--state", str(tmp_path / "none")])
    err = capsys.readouterr().err

    assert code == 5
    assert err.startswith("error[G0404]: this device is not enrolled")
    assert "hint: run `guru-agent enroll`" in err


def test_errors_come_in_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["status", "-o", "json", "--state", str(tmp_path)])

    assert orjson.loads(capsys.readouterr().err)["error"]["exitCode"] == 5


def test_a_mistyped_token_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "token"
    file.write_text("guru2.nonsense")

    assert main(["enroll", "--token-file", str(file), "--state", str(tmp_path / "s")]) == 10
    assert not (tmp_path / "s").exists()


def test_settings_come_from_flags_then_environment_then_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("spool_mib: 9\nlog_level: error\nlog_format: json\n")
    monkeypatch.setenv("GURU_AGENT_LOG_LEVEL", "warning")
    settings = load_settings(file, {"log_format": "text"})

    assert (settings.spool_mib, settings.log_level, settings.log_format) == (9, "warning", "text")


def test_the_environment_may_hold_more_than_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GURU_AGENT_SPOOL_MIB", "7")
    monkeypatch.setenv("GURU_AGENT_OF_ANOTHER_VERSION", "x")

    assert load_settings(None, {}).spool_mib == 7


@pytest.mark.parametrize("text", ["spol_mib: 9", "spool_mib: none", "a: [", "- a"])
def test_a_bad_settings_file_is_bad_input(tmp_path: Path, text: str) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text(text)

    with pytest.raises(InputInvalid):
        load_settings(file, {})


def test_the_proxy_of_the_environment_spares_hosts_of_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "near.example")
    settings = load_settings(None, {})

    assert proxy_for(settings, "far.example", 443) == "http://proxy.example:3128"
    assert proxy_for(settings, "near.example", 443) is None


def test_two_agents_never_share_a_state_folder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(Conflict), only_one(tmp_path):
        pass


def test_a_store_of_another_device_is_emptied(parts: Parts) -> None:
    parts.store.belong_to("a" * 32)
    parts.spool.add_sample(b"[]")
    parts.store.belong_to("a" * 32)
    assert parts.spool.batch(10, 100)
    parts.store.belong_to("b" * 32)

    assert parts.spool.batch(10, 100) == []
    assert parts.store.fact("spool") is None


def test_systemd_hears_that_the_agent_is_ready(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        Notifier(str(tmp_path / "notify"), 0).tell("READY=1")

        assert systemd.recv(100) == b"READY=1"


async def test_a_loop_that_crashes_starts_again_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    starts = 0
    enough = asyncio.Event()

    async def job() -> None:
        nonlocal starts
        starts += 1
        if starts == 4:
            enough.set()
        raise RuntimeError("boom")

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    task = asyncio.create_task(keep_alive("job", job, sleep))
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_log_line_is_one_line_whatever_is_in_it(style: str) -> None:
    record = logging.LogRecord("guru_agent", logging.INFO, "", 1, "refused", None, None)
    record.fields = {"reason": "a\nb\x1b[31m", "serial": 3}
    line = _Lines(style).format(record)  # type: ignore[arg-type]

    assert line.isprintable()
    assert "serial" in line


def test_a_database_is_private(tmp_path: Path) -> None:
    open_store(tmp_path, 1).close()

    assert (tmp_path / "agent.db").stat().st_mode & 0o777 == 0o600
