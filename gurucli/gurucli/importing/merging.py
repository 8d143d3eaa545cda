"""Files that come from elsewhere beside a repository: what is new, the same, or differs. Pure: it gives files to write.

Objects are compared by their identity and by what they say, wherever they stand and however they are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import JsonValue

from guru_policy.errors import Conflict
from guru_policy.objects.scopes import Misplaced, scope_of
from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from gurucli.formatting import is_ours
from gurucli.importing.drafts import slug
from gurucli.importing.editing import document_text, with_document

State = Literal["added", "same", "differs", "replaced", "left"]
Identity = tuple[str, str, str]


class Found(NamedTuple):
    """An object as it is written somewhere."""

    path: str
    number: int                         # of its document in the file, from 0
    says: JsonValue


class Row(NamedTuple):
    """What becomes of one object or file."""

    state: State
    kind: str                           # empty for a file that holds no objects
    name: str
    path: str
    source: str = ""
    reason: str = ""


@dataclass
class Merge:
    """`writes` are whole files, by path."""

    rows: list[Row] = field(default_factory=list)
    writes: dict[str, bytes] = field(default_factory=dict)

    @property
    def conflicts(self) -> list[Row]:
        """What differs here and there."""
        return [row for row in self.rows if row.state == "differs"]


def merged(
    here: Mapping[str, bytes], theirs: Mapping[str, bytes], sources: Mapping[str, str], *, overwrite: bool = False
) -> Merge:
    """`here` are the repository's files, `theirs` those that come; with `overwrite` theirs win where both differ."""
    merge = Merge()
    mine = {identity: found for path, data in here.items() for identity, found in _objects(path, data)}
    objects = {path: dict(_objects(path, data)) for path, data in theirs.items()}
    words = {word for found in objects.values() for one in found.values() for word in _words(one.says)}
    for path, data in sorted(theirs.items()):
        source = sources.get(path, "")
        if not objects[path]:
            if path in words or path in here:
                _file(merge, path, data, here, source, needed=path in words, overwrite=overwrite)
            else:
                merge.rows.append(Row("left", "", "", path, source, "no object names it"))
        elif path not in here and not objects[path].keys() & mine.keys():
            merge.writes[path] = data
            merge.rows += (Row("added", kind, name or "fleet", path, source) for kind, _, name in objects[path])
        else:
            for identity, found in objects[path].items():
                _object(merge, identity, found, data, mine.get(identity), here, source, overwrite=overwrite)
    return merge


def _file(
    merge: Merge, path: str, data: bytes, here: Mapping[str, bytes], source: str, *, needed: bool, overwrite: bool
) -> None:
    if path not in here:
        merge.writes[path] = data
        merge.rows.append(Row("added", "", "", path, source))
    elif here[path] == data:
        merge.rows.append(Row("same", "", "", path, source))
    elif not needed:
        merge.rows.append(Row("left", "", "", path, source, "no object names it, and yours is another one"))
    elif overwrite:
        merge.writes[path] = data
        merge.rows.append(Row("replaced", "", "", path, source))
    else:
        merge.rows.append(Row("differs", "", "", path, source, "the file here is another one"))


def _object(
    merge: Merge, identity: Identity, found: Found, data: bytes, mine: Found | None, here: Mapping[str, bytes],
    source: str, *, overwrite: bool,
) -> None:
    kind, name = identity[0], identity[2] or "fleet"
    if mine is None:
        path = _free(found.path, name, kind, {*here, *merge.writes})
        merge.writes[path] = document_text(found.path, data, found.number)
        merge.rows.append(Row("added", kind, name, path, source))
    elif _same(kind, mine.says, found.says):
        merge.rows.append(Row("same", kind, name, mine.path, source))
    elif overwrite:
        before = merge.writes.get(mine.path, here[mine.path])
        merge.writes[mine.path] = with_document(mine.path, before, mine.number, found.says)
        merge.rows.append(Row("replaced", kind, name, mine.path, source))
    else:
        reason = f"it differs from {found.path} in {', '.join(_differing(mine.says, found.says))}"
        merge.rows.append(Row("differs", kind, name, mine.path, source, reason))


def _objects(path: str, data: bytes) -> Iterator[tuple[Identity, Found]]:
    """The objects of a file; of a file that cannot be read, none."""
    if not is_ours(path, data):
        return
    try:
        scope = scope_of(path)
    except Misplaced:
        return
    reading = read_yaml(path, data)
    for number, node in enumerate(reading.documents if not reading.faults else ()):
        says = plain(node)
        metadata = says.get("metadata") if isinstance(says, dict) else None
        if isinstance(says, dict) and isinstance(metadata, dict):
            kind, name = says.get("kind"), metadata.get("name")
            if isinstance(kind, str) and isinstance(name, str):
                identity = (kind, str(scope), "" if kind == "Fleet" else name)
                yield identity, Found(path, number, says)


def _same(kind: str, here: JsonValue, there: JsonValue) -> bool:
    """Whether two objects say the same; the order of keys says something in a Rollout only."""
    def told(value: JsonValue) -> str:
        return json.dumps(value, sort_keys=kind != "Rollout")

    return told(here) == told(there)


def _free(path: str, name: str, kind: str, taken: Iterable[str]) -> str:
    """A file beside `path` that is not there yet."""
    folder = path.rpartition("/")[0]
    stem = f"{slug(name) or 'object'}.{kind.lower()}"
    used, number = set(taken), 1
    found = f"{folder}/{stem}.yaml".lstrip("/")
    while found in used:
        number += 1
        found = f"{folder}/{stem}-{number}.yaml".lstrip("/")
        if number > 10_000:
            raise Conflict(f"there is no free file name for {kind} {name}")
    return found


def _words(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _words(entry)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)


def _differing(here: JsonValue, there: JsonValue, path: str = "", most: int = 3) -> list[str]:
    """The first paths at which two objects say different things."""
    if isinstance(here, dict) and isinstance(there, dict):
        found: list[str] = []
        for key in [*here, *(key for key in there if key not in here)]:
            if len(found) < most and (key not in here or key not in there or here[key] != there[key]):
                inner = f"{path}.{key}" if path else key
                found += _differing(here.get(key), there.get(key), inner, most - len(found))
        return found
    return [path or "everything"]
