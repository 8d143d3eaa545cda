"""A folder that holds what an archive of the fleet repository holds. Looks and plans; never touches the machine."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationError, model_validator

from guru_policy.host import FileStat, Host
from guru_policy.machine import AccountName, Digest, PathName, SourcePath
from guru_policy.model import wrong
from guru_policy.quantities import Bytes
from guru_policy.resources.base import Resource
from guru_policy.steps import Remove, Step, Unpack
from guru_policy.unpacked import LISTING, MOST_FILES, Listing

MOST_BYTES = 1 << 30                    # what an archive may hold, unpacked
_LARGEST = 32 << 20                     # bytes of a listing


class ArchiveState(NamedTuple):
    """What is at the path, and whether it is what this archive was unpacked to."""

    stat: FileStat | None
    same: bool = False
    ours: bool = False


class Archive(Resource[ArchiveState]):
    """Keep a folder as an archive has it. The whole folder is the archive's: what changes is unpacked anew."""

    platforms = frozenset({"linux"})

    kind: Literal["archive"] = "archive"
    path: PathName
    source: SourcePath | None = None
    digest: Digest | None = None        # in bundles: stands in the place of `source`
    strip: Annotated[int, Field(ge=0, le=10)] = 0       # leading folders to leave out
    owner: AccountName | None = None
    group: AccountName | None = None
    max_size: Annotated[Bytes, Field(gt=0, le=MOST_BYTES)] = 256 << 20
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _one_origin(self) -> Archive:
        if self.source is not None and self.digest is not None:
            raise wrong("source and digest are both given", hint="people write `source`")
        if self.source is None and self.digest is None and self.ensure == "present":
            raise wrong("an archive needs a `source`", hint="a .tar, .tar.gz, .tar.xz or .zip of the repository")
        if posixpath.dirname(self.path) == "/":
            raise wrong("a folder at the root of the machine cannot be replaced", hint="name one further down")
        return self

    async def probe(self, host: Host) -> ArchiveState:
        stat = await host.stat(self.path)
        if stat is None or stat.type != "directory":
            return ArchiveState(stat)
        data = await host.read(f"{self.path}/{LISTING}", _LARGEST)
        if data is None:
            return ArchiveState(stat)
        try:
            listing = Listing.model_validate_json(data)
        except ValidationError:
            return ArchiveState(stat, ours=True)
        if self.ensure == "absent" or listing.made_from != self._made_from() or len(listing.files) > MOST_FILES:
            return ArchiveState(stat, ours=True)
        for name, digest in listing.files.items():
            if ".." in name.split("/") or await host.digest(f"{self.path}/{name}") != digest:
                return ArchiveState(stat, ours=True)
        return ArchiveState(stat, same=True, ours=True)

    def plan(self, now: ArchiveState) -> Iterator[Step]:
        if self.ensure == "absent":
            if now.ours:
                yield Remove(self.path, recursive=True)
        elif not now.same:
            yield Unpack(
                self.path, self.digest or "", self._made_from(), self.strip, self.max_size, self.owner, self.group
            )

    def _made_from(self) -> str:
        return f"{self.digest} strip={self.strip} owner={self.owner or ''}:{self.group or ''}"

    def sources(self) -> tuple[str, ...]:
        return (self.source,) if self.source is not None and self.ensure == "present" else ()

    def placed(self, digests: Mapping[str, str]) -> Archive:
        if not self.sources() or self.source is None:
            return self
        return self.model_copy(update={"source": None, "digest": digests[self.source]})
