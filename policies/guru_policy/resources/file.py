"""A file with its content, ownership and permission bits. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from guru_policy.bundle import digest_of
from guru_policy.host import FileStat, Host
from guru_policy.machine_names import MachinePath, RepositoryPath, UserName
from guru_policy.model import wrong
from guru_policy.quantities import FileMode
from guru_policy.resources.base import Resource
from guru_policy.steps import Remove, SetAttributes, Step, WriteFile

MAX_CONTENT = 256 * 1024                # characters in YAML; larger files come from `source`


@dataclass(frozen=True, slots=True)
class FileState:
    """What stands at the path; `digest` is None when there is no regular file."""

    stat: FileStat | None
    digest: str | None


class File(Resource[FileState]):
    """Keep a file with this content, or keep it away."""

    kind: Literal["file"] = "file"
    path: MachinePath
    ensure: Literal["present", "absent"] = "present"
    content: Annotated[str, StringConstraints(max_length=MAX_CONTENT)] | None = None
    source: RepositoryPath | None = None
    digest: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None
    mode: FileMode | None = None
    owner: UserName | None = None
    group: UserName | None = None
    backup: bool = True

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        given = [name for name in ("content", "source", "digest") if getattr(self, name) is not None]
        if self.ensure == "absent" and given:
            raise wrong(f"an absent file has no {given[0]}", hint="take one of the two lines out")
        if self.ensure == "present" and len(given) != 1:
            raise wrong("a file takes exactly one of content and source")
        return self

    async def probe(self, host: Host) -> FileState:
        """What stands at the path now."""
        stat = await host.stat(self.path)
        regular = stat is not None and stat.type == "file"
        return FileState(stat=stat, digest=await host.digest(self.path) if regular else None)

    def plan(self, now: FileState) -> Iterator[Step]:
        """Write when the content differs, set attributes when only they do."""
        if self.ensure == "absent":
            if now.stat is not None:
                yield Remove(self.path, backup=self.backup)
            return
        if now.digest != self._wanted_digest():
            yield WriteFile(
                path=self.path,
                content=None if self.content is None else self.content.encode(),
                digest=self.digest,
                mode=self.mode,
                owner=self.owner,
                group=self.group,
                backup=self.backup,
            )
        elif now.stat is not None and differing(now.stat, self.mode, self.owner, self.group):
            yield SetAttributes(self.path, self.mode, self.owner, self.group)

    def sources(self) -> tuple[str, ...]:
        """The file in the fleet repository, if it comes from there."""
        return (self.source,) if self.source else ()

    def placed(self, digests: Mapping[str, str]) -> File:
        """With the digest in the place of the source."""
        if self.source is None:
            return self
        return self.model_copy(update={"source": None, "digest": digests[self.source]})

    def _wanted_digest(self) -> str | None:
        return self.digest if self.content is None else digest_of(self.content.encode())


def differing(stat: FileStat, mode: int | None, owner: str | None, group: str | None) -> bool:
    """Whether permission bits or ownership are not as wanted; None wants nothing."""
    pairs = ((mode, stat.mode), (owner, stat.owner), (group, stat.group))
    return any(wanted is not None and wanted != found for wanted, found in pairs)
