"""Kinds on the real host and executor, under a sandbox root: carried out once, nothing is left to do."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from guru_agent.executor import Executor
from guru_agent.host.linux import LinuxHost
from guru_policy.errors import CannotLook, StepFailed
from guru_policy.resources import RESOURCES
from guru_policy.steps import MakeDirectory, SetAttributes, WriteFile, change_system, execute

BLOB = b"from the repository\n"
SPECS: list[dict[str, Any]] = [
    {"kind": "file", "path": "/etc/motd", "content": "hello\n", "mode": "0640", "owner": "daemon"},
    {"kind": "file", "path": "/etc/motd", "digest": hashlib.sha256(BLOB).hexdigest()},
    {"kind": "directory", "path": "/srv/a/b", "mode": "0750", "group": "daemon"},
    {"kind": "cron_job", "name": "x", "schedule": "@daily", "command": "date +%F"},
    {"kind": "command", "shell": 'touch "$GURU_ROOT/done"', "unless": 'test -e "$GURU_ROOT/done"'},
    {"kind": "user", "name": "anna", "uid": 2001, "comment": "Anna", "locked": True, "groups": ["ops"]},
    {"kind": "group", "name": "staff", "gid": 700, "members": ["carl"]},
    {"kind": "hosts_entry", "address": "192.0.2.7", "names": ["nas"]},
    {"kind": "user", "name": "ben", "shell": "/bin/sh", "locked": False},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sandbox root with the few files that account programs need."""
    etc = tmp_path / "root" / "etc"
    (etc / "cron.d").mkdir(parents=True)
    users = "root:x:0:0::/root:/bin/sh\ncarl:x:900:900::/:/bin/sh\n"
    groups = {"group": "ops:x:500:\n", "gshadow": "ops:!::\n"}
    for name, text in {"passwd": users, "shadow": "", **groups}.items():
        (etc / name).write_text(text)
    return tmp_path / "root"


@pytest.fixture
def executor(root: Path, tmp_path: Path) -> Executor:
    """An executor of that root that has one blob."""
    return Executor(root, tmp_path / "backups", lambda digest: BLOB)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec['kind']} {spec.get('name', '')}".strip())
async def test_a_resource_carried_out_once_has_nothing_left_to_do(
    root: Path, executor: Executor, spec: dict[str, Any]
) -> None:
    host = LinuxHost(root)
    resource = RESOURCES[spec["kind"]].model_validate(spec)
    before = list(resource.plan(await resource.probe(host)))

    for step in before:
        await executor.execute(step)

    assert before
    assert list(resource.plan(await resource.probe(host))) == []


async def test_a_replaced_file_is_kept_with_its_owner_and_mode(
    root: Path, tmp_path: Path, executor: Executor
) -> None:
    target = root / "etc" / "motd"
    target.write_text("old")
    target.chmod(0o604)
    os.chown(target, 1, 1)

    await executor.execute(WriteFile("/etc/motd", b"new"))

    assert target.read_bytes() == b"new"
    assert (target.stat().st_mode & 0o7777, target.stat().st_uid) == (0o604, 1)
    (kept,) = (path for path in (tmp_path / "backups").rglob("*") if path.is_file())
    assert kept.read_text() == "old"
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_neither_a_link_nor_dots_lead_out_of_the_root(
    root: Path, tmp_path: Path, executor: Executor
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("mine")
    (root / "way").symlink_to(outside)
    (root / "etc" / "link").symlink_to(outside / "secret")

    with pytest.raises(StepFailed):
        await executor.execute(WriteFile("/way/secret", b"theirs"))
    with pytest.raises(StepFailed):
        await executor.execute(SetAttributes("/etc/link", mode=0o777))
    await executor.execute(WriteFile("/etc/link", b"theirs"))

    assert (outside / "secret").read_text() == "mine"
    assert not (root / "etc" / "link").is_symlink()
    with pytest.raises(CannotLook):
        await LinuxHost(root).read("/../outside/secret")
    with pytest.raises(StepFailed):
        await executor.execute(WriteFile("/../outside/secret", b"theirs"))


async def test_below_a_folder_of_somebody_elses_no_link_is_followed(tmp_path: Path) -> None:
    executor = Executor(None, tmp_path / "backups", lambda digest: BLOB)
    home, outside = tmp_path / "home", tmp_path / "outside"
    home.mkdir()
    outside.mkdir()
    (home / "way").symlink_to(outside)

    with pytest.raises(StepFailed):
        await executor.execute(WriteFile(f"{home}/way/keys", b"theirs", below=str(home)))
    with pytest.raises(StepFailed):
        await executor.execute(MakeDirectory(f"{home}/way/folder", below=str(home)))
    with pytest.raises(StepFailed):
        await executor.execute(WriteFile(f"{outside}/keys", b"theirs", below=str(home)))
    await executor.execute(WriteFile(f"{home}/.ssh/keys", b"mine", below=str(home)))

    assert list(outside.iterdir()) == []
    assert (home / ".ssh" / "keys").read_bytes() == b"mine"


async def test_a_full_disk_leaves_the_old_file_and_no_litter(root: Path, tmp_path: Path) -> None:
    small = root / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True, timeout=30)
    try:
        (small / "conf").write_text("old")

        executor = Executor(root, tmp_path / "b", lambda digest: BLOB)
        with pytest.raises(StepFailed):
            await executor.execute(WriteFile("/small/conf", b"x" * 200_000))

        assert (small / "conf").read_text() == "old"
        assert [path.name for path in small.iterdir()] == ["conf"]
    finally:
        subprocess.run(["umount", str(small)], check=True, timeout=30)


async def test_programs_that_change_the_whole_machine_are_refused_under_a_root(executor: Executor) -> None:
    with pytest.raises(StepFailed):
        await executor.execute(change_system("true"))


async def test_a_program_out_of_time_takes_its_children_with_it(root: Path, executor: Executor) -> None:
    script = 'sleep 300 & echo $! > "$GURU_ROOT/child"; wait'

    with pytest.raises(StepFailed):
        await executor.execute(execute("/bin/sh", "-c", script, timeout=0.5))

    child = Path("/proc") / (root / "child").read_text().strip() / "status"
    assert not child.exists() or "State:\tZ" in child.read_text()


WRITER = """
import asyncio, pathlib, sys
from guru_agent.executor import Executor
from guru_policy.steps import WriteFile
one = Executor(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), lambda d: b"")
async def main():
    print("go", flush=True)
    while True:
        for letter in (b"a", b"b"):
            await one.execute(WriteFile("/etc/motd", letter * 300000, backup=False))
asyncio.run(main())
"""


def test_a_kill_in_the_middle_of_a_write_leaves_old_or_new(root: Path, tmp_path: Path) -> None:
    whole = {b"a" * 300_000, b"b" * 300_000}
    for delay in (0.02, 0.05, 0.11):
        (root / "etc" / "motd").write_bytes(b"a" * 300_000)
        argv = [sys.executable, "-c", WRITER, str(root), str(tmp_path / "b")]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"go\n"
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)

        assert (root / "etc" / "motd").read_bytes() in whole
