"""Fleets of revisions, loaded from the mirror once each. It blocks: call it in a thread, one at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from guru_policy.bundle import digest_of
from guru_policy.fleet import Fleet
from guru_policy.loading import ParseCache, load
from guru_policy.needing import Opened
from guru_policy.objects.object import Key
from guru_policy.tree import Entry, Tree
from guru_server.secrets.opening import Opener

KEPT = 6                                # fleets: the newest, the base, and a few that customers are held at
OpenTree = Callable[[str], AbstractContextManager[Tree]]


class Loaded(NamedTuple):
    """A fleet, the files that its resources carry (SHA-256 in hex by path, and where to read them), and what is known
    of the values of its Secrets.
    """

    fleet: Fleet
    digests: Mapping[str, str]
    assets: Mapping[str, Entry]         # by SHA-256
    secrets: Mapping[str, Mapping[Key, Opened]] = {}        # by customer; the organisation's by an empty name
    encrypted: Mapping[Key, Entry] = {}


class Library:
    """Loads revisions through `open_tree`; parsed files and digests are remembered by blob id."""

    def __init__(self, open_tree: OpenTree, opener: Opener) -> None:
        self._open, self._opener = open_tree, opener
        self._parsed = ParseCache()
        self._digests: dict[str, str] = {}
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()

    def get(self, revision: str) -> Loaded:
        """The fleet of this revision. Bad content is in its faults; a tree that cannot be read raises."""
        if revision not in self._loaded:
            with self._open(revision) as tree:
                self._loaded[revision] = self.read(tree)
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(revision)
        return self._loaded[revision]

    def read(self, tree: Tree) -> Loaded:
        """The fleet of any tree, remembered nowhere."""
        fleet = load(tree, self._parsed)
        digests: dict[str, str] = {}
        assets: dict[str, Entry] = {}
        for path, entry in fleet.asset_entries().items():
            if entry.blob not in self._digests:
                self._digests[entry.blob] = digest_of(tree.read(entry))
            digests[path] = self._digests[entry.blob]
            assets[digests[path]] = entry
        secrets = fleet.secrets()
        if not secrets:
            return Loaded(fleet, digests, assets)
        entries = {entry.path: entry for entry in tree.entries()}
        encrypted = {item.key: entries[spec.file] for item, spec in secrets if spec.file in entries}
        opened: dict[str, dict[Key, Opened]] = {}
        for item, spec in secrets:
            found = self._opener.look(item.key, spec, encrypted.get(item.key), tree.read)
            opened.setdefault(item.key.scope.customer, {})[item.key] = found
        return Loaded(fleet, digests, assets, opened, encrypted)

    def values(self, wanted: Collection[tuple[str, Key]]) -> dict[tuple[str, Key], bytes]:
        """What the Secrets of these revisions hold, opened now. Untrusted for one that does not open."""
        found: dict[tuple[str, Key], bytes] = {}
        for revision in sorted({revision for revision, _ in wanted}):
            encrypted = self.get(revision).encrypted
            with self._open(revision) as tree:
                for of, key in wanted:
                    if of == revision:
                        found[of, key] = self._opener.value(tree.read(encrypted[key]))
        return found

    def contents(self, wanted: Iterable[str], revisions: Iterable[str]) -> dict[str, bytes]:
        """The bytes of these digests, from whichever of the revisions carries them."""
        missing, found = set(wanted), dict[str, bytes]()
        for revision in revisions:
            here = missing & self.get(revision).assets.keys()
            if here:
                with self._open(revision) as tree:
                    found |= {digest: tree.read(self.get(revision).assets[digest]) for digest in here}
                missing -= here
        return found
