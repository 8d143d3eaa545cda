"""The agent's check of its own files: against lists that a real installer wrote, and what it finds altered."""

from __future__ import annotations

import asyncio
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from guru_agent.installed import SITE as GURU
from guru_agent.installed import Installed, inspect, inspect_apart
from guru_agent.main import main
from guru_agent.sampling import intactness
from guru_agent.sampling.checks import CheckRunner
from guru_agent.sampling.intactness import Intactness, judged
from guru_agent.sampling.verdicts import Verdicts
from guru_policy.errors import GuruError
from guru_policy.fake_host import FakeHost
from guru_policy.own_check import OWN_CHECK
from guru_policy.verdict import State
from tests.agent.conftest import Parts
from tests.agent.link_server import until
from tests.agent.test_sampling import states

SITE = Path(sysconfig.get_path("purelib"))      # what a real installer made


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of an installed package, its program's scripts left out."""
    for one in SITE.glob("websockets*"):
        shutil.copytree(one, tmp_path / "site" / one.name, ignore=shutil.ignore_patterns("__pycache__"))
    for record in (tmp_path / "site").glob("*.dist-info/RECORD"):
        record.write_text("".join(line for line in record.read_text().splitlines(True) if not line.startswith("..")))
    return tmp_path / "site"


def alter(site: Path) -> None:
    with (site / "websockets/uri.py").open("a") as file:
        file.write("\n")


def remove(site: Path) -> None:
    (site / "websockets/uri.py").unlink()


def add(site: Path) -> None:
    (site / "websockets/uri").mkdir()           # a folder comes before a module of its name
    (site / "websockets/uri/__init__.py").touch()


def begin(site: Path) -> None:
    (site / "evil.pth").write_text("import os\n")


def test_what_was_installed_is_found_as_it_was_with_all_that_it_needs() -> None:
    found = inspect(SITE, "pydantic")

    assert (found.differing, found.in_place, len(found.digest)) == ((), False, 64)
    assert found.files > inspect(SITE, "pydantic-core").files + 100


@pytest.mark.parametrize(("deed", "name"), [
    (alter, "websockets/uri.py"), (remove, "websockets/uri.py"), (add, "websockets/uri/__init__.py"),
    (begin, "evil.pth"),
])
def test_what_was_altered_removed_or_added_is_named(deed: Callable[[Path], None], name: str, site: Path) -> None:
    before = inspect(site, "websockets")
    deed(site)

    after = inspect(site, "websockets")

    assert (before.differing, after.differing) == ((), (name,))
    assert (after.digest, after.files) == (before.digest, before.files)


def test_a_list_that_was_altered_with_its_file_is_another_build(site: Path) -> None:
    before = inspect(site, "websockets")
    [record] = site.glob("websockets*.dist-info/RECORD")
    lines = record.read_text().splitlines(True)
    record.write_text("".join(line for line in lines if not line.startswith("websockets/uri.py")))
    remove(site)

    after = inspect(site, "websockets")

    assert after.differing == ()
    assert after.digest != before.digest


def test_an_unreadable_list_is_an_error_in_words(site: Path) -> None:
    [record] = site.glob("websockets*.dist-info/RECORD")
    record.write_bytes(b"\xff\xfe")

    with pytest.raises(GuruError, match="cannot read how websockets was installed"):
        inspect(site, "websockets")


def test_differences_are_critical_bounded_and_plain() -> None:
    verdict = judged(Installed(700, "ab" * 32, tuple(f"a\x1b[2J{n:03}.py" + "x" * 200 for n in range(40))))

    assert (verdict.state, verdict.value) == (State.critical, 40)
    assert verdict.message.endswith(" and 30 more")
    assert "build abababababab" in verdict.message
    assert "\x1b" not in verdict.message
    assert len(verdict.message) < 1000


def test_a_working_copy_is_neither_fine_nor_altered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(inspect(tmp_path)).state is State.unknown

    assert main(["verify", "-o", "json"]) == 1

    assert orjson.loads(capsys.readouterr().out)["state"] == "unknown"


async def test_a_process_of_its_own_finds_the_same() -> None:
    assert await inspect_apart() == inspect(GURU)


async def test_it_is_told_as_a_check_that_no_bundle_takes_away(
    parts: Parts, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intactness, "FIRST", 0.0)
    verdicts = Verdicts(parts.store, parts.spool, parts.clock)
    alter(site)

    async def look() -> Installed:
        return inspect(site, "websockets")

    own = Intactness(look, verdicts, parts.clock)
    tasks = [asyncio.create_task(own.run())]
    await until(lambda: states(parts) == [(OWN_CHECK, "critical")])

    tasks.append(asyncio.create_task(CheckRunner(parts.desired, FakeHost(), verdicts, parts.clock).run()))
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert parts.store.sql.execute("SELECT check_id FROM verdict").fetchall() == [(OWN_CHECK,)]
