"""`guru-server tenant` and `--tenant`, as somebody types them on the server's machine."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest

from guru_server.bus import LocalBus
from guru_server.clock import wall
from guru_server.housing import links
from guru_server.keys import keys
from guru_server.main import JsonLines, main
from guru_server.settings import ServerSettings
from guru_server.store.database import Database
from guru_server.tenants.naming import Named, work_of
from guru_server.wiring import Ground


class Shell:
    """Runs `guru-server` in this process, on one data folder."""

    def __init__(self, data: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.data, self._captured = data, captured

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main([*words, "--data", str(self.data), "--url", "https://guru.example:8443"])
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = self._captured.readouterr()
        return code, out, err


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("guru_server.main._log", lambda settings: None)
    made = Shell(tmp_path / "data", capsys)
    assert made("init")[0] == 0
    return made


def test_a_tenant_is_made_shown_changed_closed_and_removed(shell: Shell, tmp_path: Path) -> None:
    code, door, _ = shell("tenant", "create", "rival", "--devices", "5")
    folder = shell.data / "tenants" / "rival"
    made = sorted(path.name for path in (folder / "keys").glob("*.key"))
    shell("tenant", "set", "rival", "--jobs", "9")
    _, shown, _ = shell("tenant", "show", "rival")
    shell("tenant", "suspend", "rival")
    _, listed, _ = shell("tenant", "list")
    out = tmp_path / "rival.tar"
    codes = [shell("tenant", *words)[0] for words in (
        ("resume", "rival"), ("export", "rival", "--out", str(out)), ("delete", "rival"), ("delete", "rival", "--yes"),
        ("show", "rival"), ("create", "../x"), ("suspend", "main"), ("delete", "main", "--yes"),
    )]

    assert (code, door) == (0, "https://guru.example:8443/t/rival\n")
    assert made == sorted((*keys.TENANTS, *keys.SIGNERS))
    assert ("most.devices\t5\n" in shown, "most.jobs\t9\n" in shown) == (True, True)
    assert listed == "main\tactive\t\nrival\tsuspended\t\n"
    assert codes == [0, 0, 10, 0, 5, 10, 8, 8]
    assert (out.is_file(), folder.exists(), list(shell.data.parent.glob("x"))) == (True, False, [])


def test_people_tokens_and_keys_of_a_tenant_are_its_own(shell: Shell) -> None:
    shell("tenant", "create", "rival")
    code, invitation, told = shell("admin", "create", "boss", "--tenant", "rival")
    shell("token", "create", "ci", "--tenant", "rival")
    tokens = [shell("token", "list", *words)[1] for words in ((), ("--tenant", "rival"))]
    recipients = {shell("recipient", *words)[1] for words in ((), ("--tenant", "rival"))}
    ages = shell("keys", "list", "--tenant", "rival")[1]
    rotated = [shell("keys", "rotate", name, "--tenant", "rival")[0] for name in ("link", "ca")]

    assert (code, invitation.startswith("gurui_")) == (0, True)
    assert "guru login https://guru.example:8443/t/rival --pin sha256:" in told
    assert ["\tadmin\t" in tokens[0], "\tci\t" in tokens[0], "\tci\t" in tokens[1]] == [True, False, True]
    assert len(recipients) == 2
    assert [line.split("\t")[0] for line in ages.splitlines()] == ["state", "command", "link", "audit", "age"]
    assert rotated == [0, 8]
    assert shell("token", "list", "--tenant", "ghost")[0] == 5


async def test_a_gateway_serves_the_links_of_tenants_whose_keys_it_has(postgres_db: Database, tmp_path: Path) -> None:
    ground = Ground(ServerSettings(data=tmp_path), postgres_db, LocalBus(), wall)
    with pytest.raises(Exception, match="keys are not in"):
        links(ground, "rival")
    keys.make_tenant(tmp_path / "tenants" / "rival" / "keys")
    house = links(ground, "rival")

    assert (house.db.tenant, list(house.jobs)) == ("rival", ["gateway"])


def test_a_line_of_the_log_says_whose_work_it_is_about() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(Named())
    log = logging.Logger("guru.test")
    log.addHandler(handler)
    log.warning("one %d", 1)
    with work_of("rival"):
        log.warning("two %d", 2)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]

    assert [(one["tenant"], one["message"]) for one in lines] == [("main", "one 1"), ("rival", "[rival] two 2")]
