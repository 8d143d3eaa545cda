"""A tree of files to a Fleet, with every fault at once. It never raises for bad content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from guru_policy.faults import Fault, Origin
from guru_policy.fitting import Names
from guru_policy.fleet import Fleet
from guru_policy.kinds.action_set import ACTION_SECTIONS
from guru_policy.kinds.secret import AGE_HEADS, MAX_SECRET, Secret
from guru_policy.objects.building import build
from guru_policy.objects.object import Key, Object
from guru_policy.objects.scopes import Misplaced, Scope, is_known_folder, scope_of
from guru_policy.references import reference_faults
from guru_policy.text.plaintext_secrets import HINT, MAX_SCANNED, plaintext_secrets
from guru_policy.text.reading import read_yaml
from guru_policy.tree import MAX_FILES, MAX_YAML, Entry, Tree

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_OURS = re.compile(rb"""^["']?apiVersion["']?[ \t]*:[ \t]*["']?guru/""", re.MULTILINE)
_KEPT = 50_000                          # files


class _File(NamedTuple):
    """What one file gave; depends on its path and its bytes only."""

    objects: tuple[Object, ...] = ()
    broken: tuple[Key, ...] = ()
    faults: tuple[Fault, ...] = ()
    unread: Scope | None = None         # a scope of which something could not be read at all


class ParseCache:
    """Files already read, by path and blob id, so that a commit costs what it changes."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _File] = {}
        self.shared: dict[str, object] = {}     # Fleet.shared of all that is read through this cache

    def get(self, entry: Entry) -> _File | None:
        """What the file gave last time."""
        return self._known.get((entry.path, entry.blob))

    def keep(self, entry: Entry, file: _File) -> None:
        """Remember it; the oldest is forgotten when there are too many."""
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[entry.path, entry.blob] = file


def load(tree: Tree, cache: ParseCache | None = None) -> Fleet:
    """The fleet of a revision. Bad content is in `Fleet.faults`; a tree that cannot be read raises."""
    cache = cache or ParseCache()
    entries = tree.entries()
    if len(entries) > MAX_FILES:
        message = f"the repository has {len(entries):,} files; at most {MAX_FILES:,} are read"
        return Fleet(tree.revision, {}, {}, (Fault(Origin("/"), message),))
    gathered = _Gathered({}, [], set(), set())
    for entry in entries:
        gathered.add(_file(tree, entry, cache))
    names = Names(gathered.objects, gathered.broken, gathered.unread)
    by_path = {entry.path: entry for entry in entries}
    assets = _assets(gathered.objects.values(), by_path)
    faults = [
        *gathered.faults, *_incomplete(gathered.objects.values()), *reference_faults(names, by_path),
        *_plaintext(tree, gathered.objects.values(), by_path, cache),
        *_carried(tree, assets, cache),
    ]
    return Fleet(tree.revision, gathered.objects, assets, tuple(sorted(set(faults))), cache.shared)


@dataclass
class _Gathered:
    """The files put together."""

    objects: dict[Key, Object]
    faults: list[Fault]
    broken: set[Key]
    unread: set[Scope]

    def add(self, file: _File) -> None:
        self.faults += file.faults
        self.broken |= set(file.broken)
        if file.unread is not None:
            self.unread.add(file.unread)
        for item in file.objects:
            first = self.objects.setdefault(item.key, item)
            if first is not item:
                message = f"{item.key} is already defined in {first.origin}"
                self.faults.append(Fault(item.origin, message, "rename one, or remove it"))


def _file(tree: Tree, entry: Entry, cache: ParseCache) -> _File:
    """What one entry of the tree gives; nothing for files that are not ours."""
    path = entry.path
    if _CONTROL.search(path):
        escaped = path.encode("unicode_escape", "surrogatepass").decode("ascii")
        message = "the file's name holds a control character or is not UTF-8"
        return _File(faults=(Fault(Origin(escaped), message, "rename the file"),))
    is_yaml = path.endswith((".yaml", ".yml"))
    if entry.kind != "file":
        noun = "symbolic link" if entry.kind == "link" else "submodule"
        if not is_yaml and not is_known_folder(path):
            return _File()
        message = f"a {noun} cannot stand here"
        return _File(faults=(Fault(Origin(path), message, "put the files themselves there"),))
    if not is_yaml:
        return _File()
    known = cache.get(entry)
    if known is None:
        known = _read(tree, entry)
        cache.keep(entry, known)
    return known


def _read(tree: Tree, entry: Entry) -> _File:
    """One YAML file."""
    path = entry.path
    try:
        scope = scope_of(path)
    except Misplaced as cause:
        return _File(faults=(Fault(Origin(path), str(cause), "move the file"),))
    if entry.size > MAX_YAML:
        if scope is None:
            return _File()
        message = f"the file has {entry.size:,} bytes; a YAML file may have {MAX_YAML:,}"
        return _File(faults=(Fault(Origin(path), message, "split it"),), unread=scope)
    data = tree.read(entry)
    if scope is None or scope.level == "root":
        if not _OURS.search(data.removeprefix(b"\xef\xbb\xbf")):
            return _File()
        if scope is None:
            message = "an object stands outside org/, customers/, groups/ and devices/"
            return _File(faults=(Fault(Origin(path), message, "move the file into one of these folders"),))
    reading = read_yaml(path, data)
    objects: list[Object] = []
    broken: list[Key] = []
    faults = [*reading.faults, *_secrets(path, data, named=True)]
    unread = scope if reading.faults else None
    for document in reading.documents:
        built = build(document, path, scope)
        faults += built.faults
        if built.object is not None:
            objects.append(built.object)
        elif built.broken is not None:
            broken.append(built.broken)
        else:
            unread = scope
    return _File(tuple(objects), tuple(broken), tuple(faults), unread)


def _plaintext(
    tree: Tree, objects: Iterable[Object], entries: dict[str, Entry], cache: ParseCache
) -> Iterator[Fault]:
    """Files of Secrets that age did not encrypt."""
    for item in objects:
        entry = entries.get(item.spec.file) if isinstance(item.spec, Secret) else None
        if entry is None or entry.kind != "file" or entry.size > MAX_SECRET:
            continue
        encrypted = entry._replace(path=f"encrypted:{entry.path}")
        known = cache.get(encrypted)
        if known is None:
            known = _File()
            if not tree.read(entry).startswith(AGE_HEADS):
                message = "this is no file that age encrypted, and a Secret names it"
                hint = "encrypt it, and take what stood in it for known: it is in Git's history"
                known = _File(faults=(Fault(Origin(entry.path), message, hint),))
            cache.keep(encrypted, known)
        yield from known.faults


def _secrets(path: str, data: bytes, *, named: bool) -> Iterator[Fault]:
    for found in plaintext_secrets(data, named=named):
        message = f"this looks like {found.what}, written in plain text"
        yield Fault(Origin(path, found.line, found.column), message, HINT)


def _carried(tree: Tree, assets: Mapping[str, Entry], cache: ParseCache) -> list[Fault]:
    """Secrets in the files that resources carry to devices."""
    found: list[Fault] = []
    for entry in assets.values():
        carried = entry._replace(path=f"carried:{entry.path}")      # it may be one of our own files, too
        known = cache.get(carried)
        if known is None:
            data = tree.read(entry) if entry.size <= MAX_SCANNED else b""
            known = _File(faults=tuple(_secrets(entry.path, data, named=False)))
            cache.keep(carried, known)
        found += known.faults
    return found


def _incomplete(objects: Iterable[Object]) -> list[Fault]:
    """Items that lack something, and that no other layer could complete."""
    policies = [item for item in objects if item.key.kind in ("Policy", "ActionSet")]
    lacking = [item for item in policies if item.incomplete]
    if not lacking:
        return []
    said: Counter[str] = Counter()
    for item in policies:
        for section in ("checks", "resources", *ACTION_SECTIONS):
            part = item.node.get(section)
            if part is not None and isinstance(part.value, dict):
                said.update(f"{section}.{item_id}" for item_id in part.value)
    return [
        fault for item in lacking for what, faults in item.incomplete if said[what] < 2 for fault in faults
    ]


def _assets(objects: Iterable[Object], entries: dict[str, Entry]) -> dict[str, Entry]:
    """Every file that a resource names. A text that happens to be a file's path counts too: partial
    resources cannot be asked, and the compile takes only what complete ones carry.
    """
    words = {word for item in objects for word in item.words}
    found = sorted(words & entries.keys())
    return {path: entries[path] for path in found if entries[path].kind == "file"}
