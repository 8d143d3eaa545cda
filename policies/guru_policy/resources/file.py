"""A file with its content, owner and mode, or its absence. Looks and plans; never touches the machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from guru_policy.host import FileStat, Host
from guru_policy.machine import AccountName, Digest, PathName, SourcePath
from guru_policy.model import wrong
from guru_policy.quantities import FileMode
from guru_policy.resources.base import Resource
from guru_policy.secret import SecretRef
from guru_policy.steps import Remove, SetAttributes, Step, WriteFile
from guru_policy.tree import MAX_ASSET

MAX_CONTENT = 256 << 10                 # characters; larger files come from the repository
PRIVATE = 0o600                         # the mode of a file with a secret, when nothing else is said


def encodable(value: str) -> str:
    """The text, when UTF-8 can hold it."""
    try:
        value.encode()
    except UnicodeEncodeError as cause:
        raise wrong("the content holds half a character") from cause
    return value


Content = Annotated[str, AfterValidator(encodable), StringConstraints(max_length=MAX_CONTENT)]


class FileState(NamedTuple):
    """What is at the path; `digest` only of an ordinary file. `secret` is what should be in it; nothing prints it."""

    stat: FileStat | None
    digest: str | None = None
    secret: bytes | None = None

    def __repr__(self) -> str:
        return f"FileState({self.stat}, {self.digest})"


class File(Resource[FileState]):
    """Keep one file as written here, or keep it away. A link at the path is replaced, never followed."""

    platforms = frozenset({"linux"})

    kind: Literal["file"] = "file"
    path: PathName
    content: Content | None = None
    source: SourcePath | None = None
    content_from: SecretRef | None = Field(default=None, exclude_if=lambda value: value is None)
    digest: Digest | None = None        # in bundles: stands in the place of `source`
    owner: AccountName | None = None
    group: AccountName | None = None
    mode: FileMode | None = None
    backup: bool = True
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _one_origin(self) -> File:
        given = [x for x in (self.content, self.source, self.digest, self.content_from) if x is not None]
        if len(given) > 1:
            both = "content and source" if self.content_from is None else "contentFrom and another content"
            raise wrong(f"{both} are both given", hint="keep one of them")
        if not given and self.ensure == "present":
            raise wrong("a file needs `content` or `source`", hint="or `contentFrom`, or `ensure: absent`")
        return self

    async def probe(self, host: Host) -> FileState:
        if self.ensure == "absent":
            return FileState(await host.stat(self.path))
        found = await file_state(host, self.path)
        return found if self.content_from is None else found._replace(secret=await self.content_from.content(host))

    def plan(self, now: FileState) -> Iterator[Step]:
        if self.ensure == "absent":
            if now.stat is not None:
                yield Remove(self.path, backup=self._backup)
            return
        data = now.secret if self.content is None else self.content.encode()
        wanted = self.digest if data is None else hashlib.sha256(data).hexdigest()
        if now.stat is None or now.digest is None or now.digest != wanted:
            yield WriteFile(self.path, data, self.digest, self._mode, self.owner, self.group, self._backup)
        elif attributes_differ(now.stat, self._mode, self.owner, self.group):
            yield SetAttributes(self.path, self._mode, self.owner, self.group)

    @property
    def _mode(self) -> int | None:
        return PRIVATE if self.mode is None and self.content_from is not None else self.mode

    @property
    def _backup(self) -> bool:
        """A secret that is replaced or removed is kept nowhere."""
        return self.backup and self.content_from is None

    def sources(self) -> tuple[str, ...]:
        return (self.source,) if self.source is not None and self.ensure == "present" else ()

    def placed(self, digests: Mapping[str, str]) -> File:
        if not self.sources() or self.source is None:
            return self
        return self.model_copy(update={"source": None, "digest": digests[self.source]})


async def file_state(host: Host, path: str) -> FileState:
    """What is at the path. What is larger than anything in a bundle has no digest that could be the wanted one."""
    stat = await host.stat(path)
    readable = stat is not None and stat.type == "file" and stat.size <= MAX_ASSET
    return FileState(stat, await host.digest(path) if readable else None)


def attributes_differ(stat: FileStat, mode: int | None, owner: str | None, group: str | None) -> bool:
    """Whether anything that is asked for is otherwise; None asks for nothing."""
    return (
        (mode is not None and mode != stat.mode)
        or (owner is not None and owner != stat.owner)
        or (group is not None and group != stat.group)
    )
