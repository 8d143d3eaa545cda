"""A local group with its members, or its absence. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine import AccountName
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, execute

_LARGEST = 8 << 20                      # bytes of /etc/group that are read


class GroupState(NamedTuple):
    """`gid` is None when there is no such group; `root` is the sandbox root that the files are under."""

    gid: int | None
    members: frozenset[str] = frozenset()
    root: str | None = None


class Group(Resource[GroupState]):
    """Keep a local group. What is absent here is left as it is found."""

    platforms = frozenset({"linux"})

    kind: Literal["group"] = "group"
    name: AccountName
    gid: Annotated[int, Field(ge=1, le=2_000_000_000)] | None = None
    members: Annotated[tuple[AccountName, ...], Field(strict=False, max_length=500)] | None = None
    members_exact: bool = False         # also put every other member out
    system: bool = False                # only for a new group: a gid below 1000
    ensure: Literal["present", "absent"] = "present"

    async def probe(self, host: Host) -> GroupState:
        data = await host.read("/etc/group", _LARGEST)
        if data is None:
            raise CannotLook("there is no /etc/group")
        for line in data.decode(errors="replace").splitlines():
            words = line.split(":")
            if words[0] == self.name and len(words) == 4 and words[2].isdecimal():
                return GroupState(int(words[2]), frozenset(filter(None, words[3].split(","))), host.root)
        return GroupState(None, root=host.root)

    def plan(self, now: GroupState) -> Iterator[Step]:
        prefix = ("--prefix", now.root) if now.root else ()
        if self.ensure == "absent":
            if now.gid is not None:
                yield execute("groupdel", *prefix, "--", self.name)
            return
        number = ("--gid", str(self.gid)) if self.gid not in (None, now.gid) else ()
        if now.gid is None:
            yield execute("groupadd", *prefix, *(("--system",) if self.system else ()), *number, "--", self.name)
        elif number:
            yield execute("groupmod", *prefix, *number, "--", self.name)
        wanted = frozenset(self.members or ())
        if not self.members_exact:
            wanted |= now.members
        if self.members is not None and wanted != now.members:
            root = ("--root", now.root) if now.root else ()
            yield execute("gpasswd", *root, "--members", ",".join(sorted(wanted)), self.name)
