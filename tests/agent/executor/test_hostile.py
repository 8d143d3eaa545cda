"""What a local user can lay in the agent's way on the machine's own paths: links, second names, odd files."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from guru_agent.executor import Executor
from guru_agent.host.linux import LinuxHost
from guru_policy.errors import CannotLook, StepFailed
from guru_policy.resources.file import File
from guru_policy.steps import MakeDirectory, Remove, SetAttributes, WriteFile

USER = 12345                            # somebody who is not root


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of an ordinary user, on a path where nobody else can write."""
    tmp_path.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    return home


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of root's in a folder of root's."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "secret").write_text("root's")
    (folder / "secret").chmod(0o600)
    return folder / "secret"


@pytest.fixture
def executor(tmp_path: Path) -> Executor:
    """An executor of the whole machine."""
    return Executor(None, tmp_path / "backups", lambda digest: b"")


def by_user(link: Path, target: Path) -> None:
    link.symlink_to(target)
    os.chown(link, USER, USER, follow_symlinks=False)


async def test_a_users_link_on_the_way_leads_nowhere(home: Path, secret: Path, executor: Executor) -> None:
    by_user(home / "conf", secret.parent)
    path = f"{home}/conf/secret"

    for step in (
        WriteFile(path, b"theirs"), SetAttributes(path, 0o666), Remove(path), MakeDirectory(f"{home}/conf/new"),
        WriteFile(f"{home}/conf/new/deep", b"theirs"),
    ):
        with pytest.raises(StepFailed, match="symbolic link"):
            await executor.execute(step)
    with pytest.raises(CannotLook, match="symbolic link"):
        await LinuxHost().read(path)

    assert secret.read_text() == "root's"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]


async def test_a_link_of_roots_where_a_user_could_swap_it_leads_nowhere(
    home: Path, secret: Path, executor: Executor
) -> None:
    (home / "conf").symlink_to(secret.parent)

    with pytest.raises(StepFailed, match="symbolic link"):
        await executor.execute(WriteFile(f"{home}/conf/secret", b"theirs"))


async def test_a_link_of_roots_in_a_folder_that_a_user_moved_into_the_way_leads_nowhere(
    home: Path, secret: Path, executor: Executor
) -> None:
    (home / "backup").mkdir()
    (home / "backup" / "link").symlink_to(secret.parent)
    (home / "backup").rename(home / ".config")

    with pytest.raises(StepFailed, match="symbolic link"):
        await executor.execute(WriteFile(f"{home}/.config/link/secret", b"theirs"))
    await executor.execute(WriteFile(f"{home}/.config/mine", b"mine"))

    assert secret.read_text() == "root's"
    assert (home / ".config" / "mine").read_text() == "mine"


async def test_a_link_of_roots_among_roots_own_is_followed(
    tmp_path: Path, secret: Path, executor: Executor
) -> None:
    (tmp_path / "run").symlink_to("etc/../etc")
    (tmp_path / "all").symlink_to(tmp_path / "run")

    await executor.execute(WriteFile(f"{tmp_path}/all/secret", b"new"))

    assert secret.read_text() == "new"


async def test_links_in_a_circle_end(tmp_path: Path, executor: Executor) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(StepFailed):
        await executor.execute(WriteFile(f"{tmp_path}/a/x", b"x"))


async def test_a_second_name_of_a_file_does_not_get_its_owner_changed(
    home: Path, secret: Path, executor: Executor
) -> None:
    os.link(secret, home / "mine")

    with pytest.raises(StepFailed, match="second name"):
        await executor.execute(SetAttributes(f"{home}/mine", 0o644, "daemon"))

    assert (secret.stat().st_uid, secret.stat().st_mode & 0o777) == (0, 0o600)


async def test_a_pipe_or_a_device_in_the_place_of_a_file_is_replaced(home: Path, executor: Executor) -> None:
    os.mkfifo(home / "pipe")
    os.mknod(home / "null", 0o20666, os.makedev(1, 3))

    for name in ("pipe", "null"):
        wanted = File(path=f"{home}/{name}", content="whole\n")
        for step in wanted.plan(await wanted.probe(LinuxHost())):
            await executor.execute(step)

        assert (home / name).read_text() == "whole\n"
        assert (home / name).is_file()


async def test_an_endless_file_is_neither_read_nor_kept(tmp_path: Path, home: Path, executor: Executor) -> None:
    path = home / "huge"
    path.touch()
    os.truncate(path, 1 << 42)
    wanted = File(path=str(path), content="small\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for step in wanted.plan(await wanted.probe(LinuxHost())):
        await executor.execute(step)

    assert path.read_text() == "small\n"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    assert not (tmp_path / "backups").exists()


async def test_a_file_that_grew_beyond_every_bundle_cannot_be_looked_at(home: Path) -> None:
    (home / "huge").touch()
    os.truncate(home / "huge", 1 << 42)

    with pytest.raises(CannotLook, match="larger"):
        await LinuxHost().digest(f"{home}/huge")


@pytest.mark.parametrize("name", ["x" * 255, "名" * 85])
async def test_the_longest_names_are_written_and_kept(home: Path, executor: Executor, name: str) -> None:
    (home / name).write_text("old")

    await executor.execute(WriteFile(f"{home}/{name}", b"new"))

    assert (home / name).read_text() == "new"
