"""A directory with its ownership and permission bits. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from guru_policy.host import FileStat, Host
from guru_policy.machine_names import MachinePath, UserName
from guru_policy.quantities import FileMode
from guru_policy.resources.base import Resource
from guru_policy.resources.file import differing
from guru_policy.steps import MakeDirectory, Remove, SetAttributes, Step


class Directory(Resource[FileStat | None]):
    """Keep a directory, parents too, or keep it away. What it holds is left alone while it is present."""

    kind: Literal["directory"] = "directory"
    path: MachinePath
    ensure: Literal["present", "absent"] = "present"
    mode: FileMode | None = None
    owner: UserName | None = None
    group: UserName | None = None
    recursive: bool = False             # absent only: remove it with what it holds

    async def probe(self, host: Host) -> FileStat | None:
        """What stands at the path now."""
        return await host.stat(self.path)

    def plan(self, now: FileStat | None) -> Iterator[Step]:
        """Make, remove, or set attributes. A file in its place is left, and the executor says so."""
        if self.ensure == "absent":
            if now is not None:
                yield Remove(self.path, recursive=self.recursive)
        elif now is None or now.type != "directory":
            yield MakeDirectory(self.path, self.mode, self.owner, self.group)
        elif differing(now, self.mode, self.owner, self.group):
            yield SetAttributes(self.path, self.mode, self.owner, self.group)
