"""A real Chromium without a window, driven over its own protocol (CDP), with an authenticator made of software."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0


class Browser:
    """One window. It believes any certificate: what is looked at here is the page."""

    def __init__(self, folder: Path) -> None:
        program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
        if program is None:
            pytest.fail("this test needs Chromium: apt-get install -y chromium", pytrace=False)
        self._child = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}", "--no-sandbox",
             "--ignore-certificate-errors", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-background-networking", "--disable-component-update", "--window-size=900,760", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self._numbers, self._stack = itertools.count(1), ExitStack()
        self._stack.callback(self._end)
        try:
            self._attach(folder)
        except BaseException:
            self._stack.close()
            raise

    def _attach(self, folder: Path) -> None:
        self._wire = self._stack.enter_context(self._connected(folder / "DevToolsActivePort"))
        [page] = [one for one in self._said("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        self._session = self._said("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.say("Page.enable")

    def close(self) -> None:
        self._stack.close()

    def _end(self) -> None:
        self._child.kill()
        self._child.wait(20)

    def say(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to the window."""
        return self._said(method, self._session, **parameters)

    def authenticator(self) -> str:
        """Plug one in that holds passkeys, knows its user, and counts."""
        self.say("WebAuthn.enable")
        made = self.say("WebAuthn.addVirtualAuthenticator", options={
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True})
        return str(made["authenticatorId"])

    def go(self, url: str) -> None:
        self.say("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        return self.say("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)[
            "result"].get("value")

    def until(self, claim: str) -> None:
        """Wait until the expression holds."""
        deadline = time.monotonic() + PATIENCE
        while not self.value(claim):
            assert time.monotonic() < deadline, f"{claim}; the page says: {self.value('document.body.innerText')}"
            time.sleep(0.05)

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key, as a hand presses it."""
        for kind in ("keyDown", "keyUp"):
            self.say("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                     **({"text": text} if text and kind == "keyDown" else {}))

    def picture(self, place: Path) -> None:
        place.write_bytes(base64.b64decode(self.say("Page.captureScreenshot", format="png")["data"]))

    def tree(self) -> list[tuple[str, str]]:
        """What a screen reader is told: roles and names."""
        nodes = self.say("Accessibility.getFullAXTree")["nodes"]
        return [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in nodes if not one.get("ignored")]

    def _connected(self, place: Path) -> connect:
        deadline = time.monotonic() + PATIENCE
        while not (place.exists() and place.read_text().count("\n")):
            assert self._child.poll() is None, "Chromium did not start"
            assert time.monotonic() < deadline, "Chromium does not say where it listens"
            time.sleep(0.05)
        port, path = place.read_text().split("\n")[:2]
        return connect(f"ws://127.0.0.1:{port}{path}", max_size=1 << 26, open_timeout=PATIENCE)

    def _said(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._wire.send(json.dumps({"id": number, "method": method, "params": parameters,
                                    **({"sessionId": session} if session else {})}))
        while True:
            answer = json.loads(self._wire.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                found: dict[str, Any] = answer["result"]
                return found
