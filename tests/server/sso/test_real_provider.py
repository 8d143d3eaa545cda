"""Signing in at a provider that others wrote: its discovery, its keys, its codes and its tokens."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.sso.conftest import Office, provider


@pytest.fixture
def real(issuer_folder: Path) -> Iterator[str]:
    child = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("real_provider.py"), issuer_folder / "tls.crt",
         issuer_folder / "tls.key"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout
    port = child.stdout.readline().strip()
    assert port, "the provider did not start"
    yield f"https://localhost:{port}"
    child.kill()
    child.wait(20)


async def shown(desk: Office, ca_file: Path, sub: str) -> httpx.Response:
    """Somebody signs in at the provider's own form; the answer is what the server says to their browser."""
    place = await desk.leave()
    trust = ssl.create_default_context(cafile=str(ca_file))
    async with httpx.AsyncClient(verify=trust, trust_env=False) as browser:
        assert (await browser.get(place)).status_code == 200
        back = await browser.post(place, data={"sub": sub})
    return await desk.http.get(back.headers["location"])


async def test_a_provider_of_others_signs_a_person_in_and_nobody_else(desk: Office, real: str, ca_file: Path) -> None:
    desk.idp.clock.now = int(time.time() * 1000)
    await desk.push({"org/provider.yaml": provider(real)})
    back = await shown(desk, ca_file, "248289761001")
    opened = await desk.redeem(back)
    me = (await desk.ask("GET", "/whoami")).json()
    replayed = await desk.http.get(str(back.request.url))
    stranger = await shown(desk, ca_file, "66")

    assert opened.status_code == 201, opened.text
    assert (me["name"], [one["role"] for one in me["roles"]]) == ("bo", ["look"])
    assert replayed.status_code == 400
    assert (stranger.status_code, "names nobody" in stranger.text) == (400, True)
