"""Somebody makes a passkey and signs in by it: real processes, and the server's page in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browser import Browser
from tests.e2e.test_signing_in import WORDS, Hands
from tools.lab.world import BIN, World

pytestmark = pytest.mark.e2e


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "lab")
    try:
        world.remote.create(Path(__file__).parents[2] / "examples" / "small-office")
        world.prepare()
        world.start_server({"GURU_SERVER_URL": f"https://localhost:{world.port}"})
        yield world
    finally:
        world.stop()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    made = Browser(tmp_path / "browser")
    yield made
    made.close()


class Waiting:
    """A `guru` that waits for a browser: the page that it named, the number, and how it ends."""

    def __init__(self, env: dict[str, str], *words: str) -> None:
        self._child = subprocess.Popen([BIN / "guru", *words, "-o", "json"], env=env, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._child.stderr
        self.said = ""
        while "number" not in self.said:
            line = self._child.stderr.readline()
            assert line, self.said
            self.said += line
        self.url = next(word for word in self.said.split() if "/auth/" in word)
        self.check = self.said.rstrip()[-7:]

    def end(self) -> dict[str, object]:
        out, err = self._child.communicate(timeout=60)
        assert self._child.returncode == 0, self.said + err
        found: dict[str, object] = json.loads(out)
        return found


def test_a_passkey_is_made_in_the_browser_and_signs_in(lab: World, browser: Browser, tmp_path: Path) -> None:
    hands, desktop = Hands(lab, tmp_path / "laptop" / "config.json"), Hands(lab, tmp_path / "desktop" / "config.json")
    made = subprocess.run([BIN / "guru-server", "admin", "create", "ops", "--data", lab.folder / "server"],
                          capture_output=True, text=True, timeout=60, check=True)
    into = ("login", f"https://localhost:{lab.port}", "--pin", lab.pin)
    hands.type(*into, "--user", "ops", "--invitation", answers={
        "Invitation:": made.stdout.strip(), "New password:": WORDS, "Once more:": WORDS})
    browser.authenticator()

    adding = Waiting(hands.env, "passkey", "add", "blue")
    browser.go(adding.url)
    shown = browser.tree()
    pictured(browser, tmp_path, "passkey-add")
    browser.press("Tab", 9)
    browser.press("Enter", 13, "\r")                        # by keyboard alone
    added = adding.end()
    browser.until("location.hostname === '127.0.0.1' && document.body.innerText.includes('close this window')")

    assert ("heading", "Add a passkey") in shown
    assert ("button", "Make a passkey") in shown
    assert any(role == "status" for role, _ in shown)
    assert any(adding.check in name for _, name in shown)
    assert added["label"] == "blue"

    entering = Waiting(desktop.env, *into, "--passkey")
    browser.go(entering.url)
    pictured(browser, tmp_path, "passkey-sign-in")
    browser.value("document.getElementById('go').click()")
    me = entering.end()
    [mine] = [one for one in json.loads(desktop.guru("session", "list", "-o", "json").stdout)["items"]
              if one["current"]]

    assert me["name"] == "ops"
    assert (mine["method"], bool(mine["mfa_at"])) == ("passkey", True)
    assert desktop.guru("passkey", "rm", str(added["id"])[:12]).returncode == 0


def pictured(browser: Browser, folder: Path, name: str) -> None:
    """A picture for whoever works on the page: GURU_PICTURES names a folder that it is kept in."""
    browser.picture(Path(os.environ.get("GURU_PICTURES", folder)) / f"{name}.png")
