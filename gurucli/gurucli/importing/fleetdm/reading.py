"""Fleet's GitOps files with the place of everything in them; `path:` is followed inside the folder only."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from guru_policy.errors import GuruError, InputInvalid
from guru_policy.text.nodes import Node
from guru_policy.text.reading import read_yaml
from gurucli.importing.drafts import Drafts
from gurucli.importing.foreign_files import ForeignFolder

MAX_STEPS = 3                           # files that name another one
MAX_ITEMS = 50_000


class Item(NamedTuple):
    """A part of a file."""

    file: str
    node: Node

    @property
    def source(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.node.key_line}"

    def part(self, key: str) -> Item | None:
        """An entry of a map; None when there is none, or when it is empty."""
        found = self.node.get(key)
        return Item(self.file, found) if found is not None and found.value is not None else None

    def text(self, key: str) -> str:
        """An entry as text; empty when it is none."""
        found = self.node.get(key)
        return found.value.strip() if found is not None and isinstance(found.value, str) else ""

    def on(self, key: str) -> bool:
        """Whether an entry is true."""
        found = self.node.get(key)
        return found is not None and found.value is True

    def members(self) -> list[str]:
        """The names of its entries."""
        return list(self.node.value) if isinstance(self.node.value, dict) else []

    def rows(self) -> list[Item]:
        """The items of a list."""
        return [Item(self.file, one) for one in self.node.value] if isinstance(self.node.value, list) else []


class FleetFiles:
    """A folder of Fleet's."""

    def __init__(self, place: Path, drafts: Drafts) -> None:
        single = not place.is_dir()
        self.folder = ForeignFolder(place.parent if single else place)
        self._drafts, self._single = drafts, place.name if single else ""
        self._count = 0

    def documents(self) -> Iterator[tuple[str, Item]]:
        """default.yml, and then each team's file. InputInvalid when there is none of them."""
        names = [self._single] if self._single else [
            path for path in self.folder.paths()
            if path in ("default.yml", "default.yaml")
            or (path.endswith((".yml", ".yaml")) and path.split("/")[0] in ("teams", "fleets") and path.count("/") == 1)
        ]
        if not names:
            raise InputInvalid(f"{self.folder.root} has no default.yml and no teams/*.yml",
                               hint="name the folder of default.yml")
        for name in names:
            for item in self.read(name, name):
                yield name, item

    def read(self, path: str, source: str) -> list[Item]:
        """The documents of a YAML file; one that cannot be read is left, with its first fault."""
        try:
            reading = read_yaml(path, self.folder.read(path))
        except GuruError as cause:
            self._drafts.leave(source, path, cause.message)
            return []
        if reading.faults:
            fault = reading.faults[0]
            self._drafts.leave(str(fault.origin), path, f"not read: {fault.message}")
            return []
        return [Item(path, node) for node in reading.documents]

    def items(self, section: Item | None, steps: int = MAX_STEPS) -> Iterator[Item]:
        """The items of a section, with those of the files that it names by `path`."""
        if section is None:
            return
        for row in section.rows() or [section]:
            path = row.text("path")
            self._count += 1
            if self._count > MAX_ITEMS:
                raise InputInvalid(f"the export holds more than {MAX_ITEMS:,} things")
            if row.part("paths") is not None:
                self._drafts.leave(row.source, "paths", "patterns of paths are not followed: name each file")
            elif not path:
                yield row
            elif steps and (target := self.beside(row, path)):
                for document in self.read(target, row.source):
                    yield from self.items(document, steps - 1)

    def beside(self, item: Item, path: str) -> str:
        """The file that a path in `item`'s file means; empty, and noted, when it is not inside the folder."""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(item.file), path))
        if path.startswith("/") or target.startswith("..") or not self.folder.has(target):
            self._drafts.leave(item.source, path, "there is no such file in the export")
            return ""
        return target
