"""A commit's files as the language sees them, hostile names included."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from guru_policy.errors import InputInvalid
from guru_policy.tree import git_blob_id
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.tree import GitTree, MirrorBroken
from tools.lab.remote import Remote


async def test_every_kind_of_entry_is_listed_as_what_it_is(remote: Remote, mirror: Mirror) -> None:
    (remote.work / "passwd").symlink_to("/etc/passwd")
    remote.git("update-index", "--add", "--cacheinfo", f"160000,{remote.head()},vendored")
    remote.write({"run.sh": "#!/bin/sh\n", "customers/acme/a\nb\".yaml": "a: 1\n"})
    remote.git("add", "--all", "--", "passwd", "run.sh", "customers")
    remote.git("commit", "--quiet", "--message", "Odd files")
    remote.git("push", "--quiet", "origin", "HEAD:main")
    tip = (await mirror.fetch()).revision

    with mirror.tree(tip) as tree:
        entries = {entry.path: entry for entry in tree.entries()}
        assert {path: entry.kind for path, entry in entries.items()} == {
            "fleet.yaml": "file",
            "passwd": "link",
            "run.sh": "file",
            "vendored": "submodule",
            "customers/acme/a\nb\".yaml": "file",
        }
        assert tree.read(entries["run.sh"]) == b"#!/bin/sh\n"
        assert entries["run.sh"].blob == git_blob_id(b"#!/bin/sh\n")
        for path in ("passwd", "vendored"):
            with pytest.raises(InputInvalid):
                tree.read(entries[path])


async def test_a_name_that_is_not_utf_8_survives(remote: Remote, mirror: Mirror) -> None:
    name = os.fsdecode(b"org/caf\xe9.yaml")
    remote.push("Latin", {name: "a: 1\n"})
    tip = (await mirror.fetch()).revision

    with mirror.tree(tip) as tree:
        assert name in [entry.path for entry in tree.entries()]


async def test_reading_three_thousand_files_starts_one_git(remote: Remote, mirror: Mirror) -> None:
    remote.push("Many", {f"org/p{number}.yaml": f"n: {number}\n" for number in range(3000)})
    tip = (await mirror.fetch()).revision

    with mirror.tree(tip) as tree:
        children = _children()
        data = [tree.read(entry) for entry in tree.entries()]
        assert len(_children() - children) == 1
    assert len(data) == 3001
    assert b"n: 2999\n" in data


async def test_a_missing_object_is_told_apart_from_an_empty_file(remote: Remote, mirror: Mirror) -> None:
    tip = (await mirror.fetch()).revision

    with mirror.tree(tip) as tree, pytest.raises(MirrorBroken):
        tree.read(tree.entries()[0]._replace(blob="0" * 40))
    with mirror.tree("0" * 40) as tree, pytest.raises(MirrorBroken):
        tree.entries()


async def test_trees_within_trees_that_never_end_are_given_up(remote: Remote, mirror: Mirror) -> None:
    nothing = remote.git("mktree")
    tip = remote.push_nested(f"040000 tree {nothing}\tx", levels=14)
    await mirror.fetch()
    opened = await mirror.opened()
    before = _children()

    with GitTree(opened, tip, patience=0.3) as tree, pytest.raises(InputInvalid, match="could not be listed within"):
        tree.entries()
    assert _children() == before


async def test_no_git_is_left_when_a_tree_is_done_with(remote: Remote, mirror: Mirror) -> None:
    tip = (await mirror.fetch()).revision
    before = _children()
    with mirror.tree(tip) as tree:
        tree.read(tree.entries()[0])
    deadline = time.monotonic() + 5
    while _children() - before and time.monotonic() < deadline:
        time.sleep(0.01)

    assert _children() == before


def _children() -> set[str]:
    argv = ["ps", "-o", "pid=,comm=", "--ppid", str(os.getpid())]
    found = subprocess.run(argv, capture_output=True, text=True)
    return {line.split()[0] for line in found.stdout.splitlines() if line.split()[1:] == ["git"]}
