"""Objects and files that an import makes, and what it could not make. It writes nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from gurucli.clean import clean, shorten
from gurucli.formatting import formatted
from gurucli.yaml_text import flow, yaml_lines

LONGEST = 50                            # characters of a name that is made of another one
_OTHER = re.compile(r"[^a-z0-9]+")


class Draft(NamedTuple):
    """An object to be. `folder` is its place; `source` says where it comes from, for people."""

    kind: str
    folder: str
    name: str
    spec: Mapping[str, JsonValue]
    source: str
    remark: str = ""                    # becomes the comment above it

    @property
    def path(self) -> str:
        """The file that it stands in alone."""
        file = self.kind.lower() if self.kind in ("Customer", "Site") else self.name
        return f"{self.folder}/{file}.yaml"


class Asset(NamedTuple):
    """A file that objects carry."""

    path: str
    data: bytes
    source: str


class Unmapped(NamedTuple):
    """Something that has no place in a fleet repository, or not as it is; never a value of it."""

    source: str
    what: str
    reason: str


@dataclass
class Drafts:
    """All that one import makes, in the order in which it was read."""

    objects: list[Draft] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)
    _names: dict[str, set[str]] = field(default_factory=dict)

    def name(self, among: str, text: str, fallback: str) -> str:
        """A name made of `text` that nothing else in `among` has: `acme`, then `acme-2`, in the order asked."""
        taken = self._names.setdefault(among, set())
        wanted = slug(text) or fallback
        found, number = wanted, 1
        while found in taken:
            number += 1
            found = f"{wanted}-{number}"
        taken.add(found)
        return found

    def leave(self, source: str, what: str, reason: str) -> None:
        """Note something that is not imported."""
        self.unmapped.append(Unmapped(clean(source), shorten(clean(what), 200), clean(reason)))

    def files(self) -> dict[str, bytes]:
        """The files, by path."""
        found = {asset.path: asset.data for asset in self.assets}
        found |= {draft.path: written(draft) for draft in self.objects}
        return dict(sorted(found.items()))

    def sources(self) -> dict[str, str]:
        """Where each file comes from."""
        found = {asset.path: asset.source for asset in self.assets}
        return found | {draft.path: draft.source for draft in self.objects}


def slug(text: str) -> str:
    """A DNS label (RFC 1123) made of any text, at most 50 characters long; empty when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text[:1000]).encode("ascii", "ignore").decode().lower()
    return _OTHER.sub("-", plain).strip("-")[:LONGEST].strip("-")


def written(draft: Draft) -> bytes:
    """The object as YAML, in the form of `guru fmt`."""
    remark = clean(draft.remark) or f"From {clean(draft.source)}."
    head = f"# {remark}\napiVersion: guru/v1\nkind: {draft.kind}\nmetadata: {flow({'name': draft.name})}\n"
    text = head + "\n".join(yaml_lines({"spec": dict(draft.spec)})) + "\n"
    return formatted(draft.path, text.encode("utf-8", "replace")).text.encode()


def given(values: Mapping[str, JsonValue | None]) -> dict[str, JsonValue]:
    """The members that have a value."""
    return {key: value for key, value in values.items() if value is not None}


def listed(texts: Iterable[str], most: int = 5) -> str:
    """`a, b and 3 more`."""
    every = sorted(set(texts))
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
