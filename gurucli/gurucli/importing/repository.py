"""The repository that an import goes into: its files, how it would look afterwards, and the writing of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from guru_policy.errors import GuruError, PolicyInvalid
from guru_policy.loading import ParseCache, load
from guru_policy.tree import Entry, MemoryTree, Tree, git_blob_id
from gurucli.export_places import FolderPlace, Wanted, folder_place
from gurucli.folder_tree import FolderTree
from gurucli.formatting import is_ours
from gurucli.tree_paths import refuse_odd_paths


class Overlay:
    """A tree with some files added or replaced."""

    revision = "worktree"

    def __init__(self, below: Tree, files: Mapping[str, bytes]) -> None:
        self._below, self._files = below, files

    def entries(self) -> Sequence[Entry]:
        """The files of both, by path."""
        kept = [entry for entry in self._below.entries() if entry.path not in self._files]
        return sorted([*kept, *(Entry(path, "file", len(data), git_blob_id(data))
                                for path, data in self._files.items())])

    def read(self, entry: Entry) -> bytes:
        """The content."""
        return self._files[entry.path] if entry.path in self._files else self._below.read(entry)


def tree_at(root: Path) -> Tree:
    """The repository in a folder; an empty one when the folder is not there yet."""
    return FolderTree(root) if root.exists() else MemoryTree({})


def contents_of(tree: Tree, also: Collection[str]) -> dict[str, bytes]:
    """The files that hold objects, and those of these paths."""
    found = {}
    for entry in tree.entries():
        if entry.kind == "file" and (entry.path in also or entry.path.endswith((".yaml", ".yml"))):
            data = tree.read(entry)
            if entry.path in also or is_ours(entry.path, data):
                found[entry.path] = data
    return found


def fleet_file(tree: Tree) -> dict[str, bytes]:
    """The file with the Fleet object that a repository needs, when it has none."""
    if load(tree).fleet_object() is not None:
        return {}
    return {"fleet.yaml": (files("gurucli") / "starter" / "fleet" / "fleet.yaml").read_bytes()}


def refuse_new_faults(tree: Tree, writes: Mapping[str, bytes]) -> None:
    """PolicyInvalid when the repository would have faults that it has not now."""
    from gurucli.commands.fleet.validate import new_faults

    cache = ParseCache()
    before, after = load(tree, cache), load(Overlay(tree, writes), cache)
    errors = [fault for fault in new_faults(before.faults, after.faults) if fault.severity == "error"]
    if errors:
        raise PolicyInvalid(errors)


def write(root: Path, writes: Mapping[str, bytes], executables: Collection[str] = ()) -> None:
    """Write the files, those that were there replaced whole; all the paths are looked at first."""
    refuse_odd_paths(writes)
    if root.exists() and not root.is_dir():
        raise GuruError(f"{root} is not a folder")
    with folder_place(root) as place:
        _put(place, writes, executables)


def _put(place: FolderPlace, writes: Mapping[str, bytes], executables: Collection[str]) -> None:
    for path, data in writes.items():
        place.put(Wanted(path, "", path in executables), data)
