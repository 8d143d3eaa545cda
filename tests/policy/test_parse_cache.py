"""The parse cache: it saves work, and never an answer changes by it."""

from __future__ import annotations

from guru_policy.loading import ParseCache, load
from guru_policy.tree import Entry, MemoryTree
from tests.policy.writing import BASE, policy


class CountingTree(MemoryTree):
    """A tree that remembers what was read."""

    def __init__(self, files: dict[str, bytes | str]) -> None:
        super().__init__(files)
        self.reads: list[str] = []

    def read(self, entry: Entry) -> bytes:
        """The content, noted."""
        self.reads.append(entry.path)
        return super().read(entry)


def test_only_changed_files_are_read_again() -> None:
    cache = ParseCache()
    load(CountingTree({**BASE, "org/a.yaml": policy("a", "mode: observe")}), cache)
    changed = CountingTree({**BASE, "org/a.yaml": policy("a", "mode: enforce")})
    found = load(changed, cache)

    assert changed.reads == ["org/a.yaml"]
    assert found == load(CountingTree({**BASE, "org/a.yaml": policy("a", "mode: enforce")}))


def test_a_file_that_moves_to_another_folder_gets_the_new_folders_scope() -> None:
    cache = ParseCache()
    load(MemoryTree({**BASE, "org/a.yaml": policy("a", "mode: observe")}), cache)
    moved = load(MemoryTree({**BASE, "customers/acme/a.yaml": policy("a", "mode: observe")}), cache)

    assert [str(key.scope) for key in moved.objects if key.kind == "Policy"] == ["customers/acme"]


def test_faults_are_remembered_like_everything_else() -> None:
    cache = ParseCache()
    bad = {**BASE, "org/a.yaml": "a: 1\na: 2\n"}

    assert load(MemoryTree(bad), cache).faults == load(MemoryTree(bad), cache).faults != ()
