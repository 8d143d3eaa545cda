"""What a person names as a version of the fleet repository: a folder or a revision. It reads, and writes nothing."""

from __future__ import annotations

from pathlib import Path

from guru_policy.tree import Tree
from gurucli.commit_tree import CommitTree
from gurucli.folder_tree import FolderTree, find_root

FOLDER = "."                            # the repository around the current folder, as it lies there


def tree_named(name: str, around: Path | None = None) -> Tree:
    """The tree of `name`: `.`, a path with a slash, or a revision of the repository around `around`.

    Raises what FolderTree and CommitTree raise.
    """
    if name == FOLDER:
        return FolderTree(around or find_root(Path.cwd()))
    if "/" in name and Path(name).is_dir():
        return FolderTree(Path(name))
    return CommitTree(around or find_root(Path.cwd()), name)
