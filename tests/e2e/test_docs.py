"""What README and docs tell people to type works as it stands: blocks marked `sh runs` are run, page by page."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tools.lab.ports import free_port
from tools.lab.world import BIN, World, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh (runs(?: lab)?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IDENTITY = {f"GIT_{who}_{what}": f"a{at}b.example" for who in ("AUTHOR", "COMMITTER")
            for what, at in (("NAME", " "), ("EMAIL", "@"))}


def blocks(kind: str) -> dict[str, list[str]]:
    """The blocks of each page that has some."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = {page.name: [body for mark, body in BLOCK.findall(page.read_text()) if mark == kind] for page in pages}
    return {name: bodies for name, bodies in found.items() if bodies}


def type_all(script: str, folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run it as one shell would; whatever it started in the background ends with it."""
    log = folder / "typed.log"
    with log.open("wb") as sink:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script], cwd=folder, stdout=sink, stderr=sink, start_new_session=True,
            env={**os.environ, **IDENTITY, "HOME": str(folder), "PATH": f"{BIN}:{os.environ['PATH']}", **env})
        try:
            return shell.wait(timeout=300), log.read_text()
        finally:
            with contextlib.suppress(ProcessLookupError):       # nothing was left in the background
                os.killpg(shell.pid, signal.SIGTERM)


@pytest.mark.parametrize("page", blocks("runs"))
def test_a_page_that_starts_from_nothing_gets_there(page: str, tmp_path: Path) -> None:
    script = "".join(blocks("runs")[page]).replace("8443", str(free_port()))
    ending = "\njobs -p | xargs -r kill; wait"

    code, told = type_all(script + ending, tmp_path, {"GURU_KEYRING": "off", "XDG_CACHE_HOME": str(tmp_path / "cache")})

    assert code in (0, 143), told
    assert "resolved" in told


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small office with acme-pc01, up to date."""
    world = World(tmp_path_factory.mktemp("lab"))
    try:
        world.remote.create(ROOT / "examples" / "small-office")
        world.prepare()
        world.start_server()
        world.sign_in()
        world.guru("sync")
        world.start_agent(world.enrol("acme-pc01", "acme", "hq"))
        wait_until("it is as it should be", lambda: "acme-pc01" in world.guru(
            "device", "list", "--state", "UpToDate", "-o", "name").out, timeout=90)
        yield world
    finally:
        world.stop()


@pytest.mark.parametrize(("page", "number"), [(name, index) for name, found in blocks("runs lab").items()
                                              for index in range(len(found))])
def test_the_commands_of_a_page_work_on_a_fleet(page: str, number: int, lab: World, tmp_path: Path) -> None:
    (tmp_path / "fleet").symlink_to(lab.remote.work)

    code, told = type_all(blocks("runs lab")[page][number], tmp_path, lab.guru_env())
    for words in (("reset", "--quiet", "--hard"), ("clean", "--quiet", "--force", "-d")):
        subprocess.run(["git", "-C", str(lab.remote.work), *words], check=True, timeout=60)     # for the next page

    assert code == 0, told
