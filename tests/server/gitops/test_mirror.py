"""The mirror against real remotes: what it fetches, what it refuses, and how it heals."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
from pathlib import Path

import psutil
import pytest

from guru_policy.errors import DeadlinePassed, InputInvalid, NotFound, Unreachable
from guru_server.gitops.command import environment, git
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.source import Source
from tools.lab.remote import Remote
from tools.lab.world import wait_until


async def test_a_push_is_fetched_once(remote: Remote, mirror: Mirror) -> None:
    first = await mirror.fetch()
    again = await mirror.fetch()
    pushed = remote.push("Change", {"a.yaml": "a: 1\n"})
    second = await mirror.fetch()

    assert (first.changed, again.changed) == (True, False)
    assert second == (pushed, True)


async def test_a_fetch_that_finds_nothing_new_writes_nothing(
    remote: Remote, mirror: Mirror, tmp_path: Path
) -> None:
    await mirror.fetch()
    before = {path: path.stat().st_mtime_ns for path in sorted((tmp_path / "data").rglob("*"))}
    await mirror.fetch()

    assert {path: path.stat().st_mtime_ns for path in sorted((tmp_path / "data").rglob("*"))} == before


async def test_an_empty_repository_says_so(tmp_path: Path) -> None:
    bare = tmp_path / "empty.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)

    with pytest.raises(NotFound, match="is empty"):
        await Mirror(tmp_path / "data", Source(f"file://{bare}")).fetch()


async def test_a_branch_that_never_was_says_so(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no branch release"):
        await Mirror(tmp_path / "data", Source(remote.url, branch="release")).fetch()


async def test_a_deleted_branch_is_told_and_its_last_commit_stays(remote: Remote, mirror: Mirror) -> None:
    tip = (await mirror.fetch()).revision
    remote.push("Another branch", {"b.yaml": "b: 1\n"})
    remote.git("push", "--quiet", "origin", "HEAD:other")
    subprocess.run(["git", "-C", str(remote.bare), "update-ref", "-d", "refs/heads/main"], check=True)

    with pytest.raises(NotFound, match="branch main is gone"):
        await mirror.fetch()
    with mirror.tree(tip) as tree:
        assert [entry.path for entry in tree.entries()] == ["fleet.yaml"]


async def test_a_force_push_to_other_history_becomes_the_tip(remote: Remote, mirror: Mirror) -> None:
    old = (await mirror.fetch()).revision
    remote.git("checkout", "--quiet", "--orphan", "fresh")
    new = remote.push("Start again", {"other.yaml": "o: 1\n"}, force=True)

    assert await mirror.fetch() == (new, True)
    assert not await mirror.contains(old, new)


async def test_a_remote_that_is_away_is_unreachable_and_names_no_user(remote: Remote, mirror: Mirror) -> None:
    await mirror.fetch()
    remote.bare.rename(remote.bare.with_name("moved.git"))

    with pytest.raises(Unreachable, match="could not be fetched"):
        await mirror.fetch()


async def test_a_commit_tells_its_author_and_subject_without_controls(remote: Remote, mirror: Mirror) -> None:
    parent = (await mirror.fetch()).revision
    pushed = remote.push("Remove \x1b[31mold\u202e things\n\nBecause.\n")
    await mirror.fetch()

    assert await mirror.commit(pushed) == (pushed, parent, "Robin Ito", "Remove [31mold things")


async def test_consents_are_those_of_all_commits_since_what_is_in_force(remote: Remote, mirror: Mirror) -> None:
    before = remote.push("Old\n\nGuru-Allow-Delete: 99\n")
    oldest = remote.push("In force for some")
    first = remote.push("Remove\n\nBecause.\n\nguru-allow-delete: 12\nReviewed-by: Kim\n")
    newest = remote.push("In force for others")
    second = remote.push("Remove more\n\nGuru-Allow-Delete: 3\nGuru-Allow-Delete: 4\n")
    tip = remote.push("Something else")
    await mirror.fetch()

    assert await mirror.consents(tip, [oldest, newest]) == [(second, 4), (first, 12)]
    assert await mirror.consents(tip, [newest]) == [(second, 4)]
    assert await mirror.consents(first, [before]) == [(first, 12)]


async def test_a_trailer_in_the_middle_of_a_message_is_no_consent(remote: Remote, mirror: Mirror) -> None:
    first = remote.head()
    remote.push("Remove\n\nGuru-Allow-Delete: 12\n\nSigned by nobody.\n")
    pushed = remote.push("Remove\n\nGuru-Allow-Delete: many\n")
    await mirror.fetch()

    assert await mirror.consents(pushed, [first]) == []


async def test_packing_the_mirror_keeps_nobody_from_fetching(
    remote: Remote, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that packs for as long as a file is there, and is git for everything else."""
    await mirror.fetch()
    folder = tmp_path / "bin"
    folder.mkdir()
    slow = f'#!/bin/sh\ncase "$*" in *gc*) touch {tmp_path}/packing; sleep 600;; *) exec /usr/bin/git "$@";; esac\n'
    (folder / "git").write_text(slow)
    (folder / "git").chmod(0o755)
    monkeypatch.setattr("guru_server.gitops.command.PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    packing = asyncio.create_task(mirror.tidy())
    while not (tmp_path / "packing").exists():
        await asyncio.sleep(0.01)
    pushed = remote.push("Change", {"a.yaml": "a: 1\n"})

    assert await mirror.fetch() == (pushed, True)
    assert not packing.done()
    packing.cancel()
    await asyncio.gather(packing, return_exceptions=True)


async def test_a_damaged_mirror_is_cloned_again(remote: Remote, mirror: Mirror, tmp_path: Path) -> None:
    tip = (await mirror.fetch()).revision
    for path in (tmp_path / "data/mirror/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"")

    healed = Mirror(tmp_path / "data", mirror.source)
    assert (await healed.fetch()).revision == tip
    with healed.tree(tip) as tree:
        assert tree.read(tree.entries()[0]) == b"apiVersion: guru/v1\n"


async def test_a_shallow_mirror_is_cloned_again(remote: Remote, tmp_path: Path) -> None:
    first, second = remote.head(), remote.push("Second", {"a.yaml": "a: 1\n"})
    (tmp_path / "data").mkdir()
    clone = ["git", "clone", "--quiet", "--bare", "--depth=1", remote.url, str(tmp_path / "data/mirror")]
    subprocess.run(clone, check=True)
    mirror = Mirror(tmp_path / "data", Source(remote.url))

    assert (await mirror.fetch()).revision == second
    assert await mirror.contains(first, second)


async def test_a_revision_in_force_outlives_a_rewritten_branch_and_a_new_clone(
    remote: Remote, mirror: Mirror, tmp_path: Path
) -> None:
    old = (await mirror.fetch()).revision
    await mirror.keep([old])
    remote.git("checkout", "--quiet", "--orphan", "fresh")
    remote.push("Start again", {"other.yaml": "o: 1\n"}, force=True)
    subprocess.run(["git", "-C", str(remote.bare), "gc", "--quiet", "--prune=now"], check=True)
    await mirror.fetch()
    await mirror.rebuild()

    assert await mirror.ensure(old)
    with mirror.tree(old) as tree:
        assert [entry.path for entry in tree.entries()] == ["fleet.yaml"]


async def test_a_lock_that_a_killed_git_left_is_in_nobodys_way(
    remote: Remote, mirror: Mirror, tmp_path: Path
) -> None:
    tip = (await mirror.fetch()).revision
    kept = tmp_path / "data/mirror/refs/guru/kept"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{tip}.lock").touch()

    await mirror.keep([tip])

    remote.push("Another", {"other.yaml": "{}\n"}, force=True)
    assert (kept / tip).read_text().strip() == tip


async def test_a_commit_that_nobody_has_is_not_found(remote: Remote, mirror: Mirror) -> None:
    await mirror.fetch()

    assert not await mirror.ensure("0123456789" * 4)
    with pytest.raises(InputInvalid):
        await mirror.ensure("--output=/tmp/x")


async def test_hooks_and_configuration_of_the_account_do_nothing(
    remote: Remote, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    configuration = f"[core]\n\tfsmonitor = touch {tmp_path}/fired\n\thooksPath = {tmp_path}\n"
    (tmp_path / ".gitconfig").write_text(configuration)
    await mirror.fetch()
    hook = tmp_path / "data/mirror/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    for path in (hook, tmp_path / "reference-transaction"):
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/fired\n")
        path.chmod(0o755)
    remote.push("Change", {"a.yaml": "a: 1\n"})
    await mirror.fetch()

    assert not (tmp_path / "fired").exists()


async def test_a_fetch_that_is_too_large_fails_and_leaves_nothing(remote: Remote, tmp_path: Path) -> None:
    remote.push("Noise", {"noise.bin": os.urandom(3 << 20)})
    mirror = Mirror(tmp_path / "data", Source(remote.url, max_fetch=1 << 20))

    with pytest.raises(Unreachable):
        await mirror.fetch()
    assert not list((tmp_path / "data/mirror/objects/pack").glob("tmp_*"))


def gone(pid: int) -> bool:
    """Whether the process ended, whoever has to ask for its exit code."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_git_that_hangs_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/child\nwait\n")
    (folder / "git").chmod(0o755)
    env = environment(tmp_path / "mirror") | {"PATH": f"{folder}:/usr/bin:/bin"}

    with pytest.raises(DeadlinePassed):
        await git("fetch", env=env, cwd=tmp_path, timeout=1.0)
    child = int((tmp_path / "child").read_text())
    wait_until("what git started has ended", lambda: gone(child))


async def test_the_token_file_answers_git_when_it_asks(tmp_path: Path, mirror: Mirror) -> None:
    await mirror.fetch()
    askpass, token = tmp_path / "data/askpass", tmp_path / "token"
    token.write_text("not-a-real-token\n")
    env = {"PATH": os.environ["PATH"], "GURU_GIT_TOKEN_FILE": str(token)}

    def asked(question: str) -> str:
        done = subprocess.run([str(askpass), question], env=env, capture_output=True, text=True, check=True)
        return done.stdout

    assert stat.S_IMODE(askpass.stat().st_mode) == 0o700
    assert asked("Username for 'https://git.example': ") == "x-access-token\n"
    assert asked("Password for 'https://git.example': ") == "not-a-real-token\n"


async def test_only_blobs_that_are_here_are_known(remote: Remote, mirror: Mirror) -> None:
    tip = (await mirror.fetch()).revision
    with mirror.tree(tip) as tree:
        blob = tree.entries()[0].blob

    size = len(b"apiVersion: guru/v1\n")
    assert await mirror.known_blobs([blob, "0" * 40, tip]) == {blob: size}
    shutil.rmtree(remote.bare)
    assert await mirror.known_blobs([blob]) == {blob: size}
