"""A directory with its owner and mode, or its absence. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from guru_policy.host import FileStat, Host
from guru_policy.machine import AccountName, PathName
from guru_policy.quantities import FileMode
from guru_policy.resources.base import Resource
from guru_policy.resources.file import attributes_differ
from guru_policy.steps import MakeDirectory, Remove, SetAttributes, Step


class Directory(Resource[FileStat | None]):
    """Keep a directory there, parents too, or keep it away. What is in it is left alone."""

    platforms = frozenset({"linux"})

    kind: Literal["directory"] = "directory"
    path: PathName
    owner: AccountName | None = None
    group: AccountName | None = None
    mode: FileMode | None = None
    ensure: Literal["present", "absent"] = "present"
    recursive: bool = False             # absent only: remove it even when it is not empty

    async def probe(self, host: Host) -> FileStat | None:
        return await host.stat(self.path)

    def plan(self, now: FileStat | None) -> Iterator[Step]:
        if self.ensure == "absent":
            if now is not None:
                yield Remove(self.path, recursive=self.recursive)
        elif now is None or now.type != "directory":
            yield MakeDirectory(self.path, self.mode, self.owner, self.group)
        elif attributes_differ(now, self.mode, self.owner, self.group):
            yield SetAttributes(self.path, self.mode, self.owner, self.group)
