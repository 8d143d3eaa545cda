"""A user account with its groups, or its absence. It never reads or sets a password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints

from guru_policy.host import Host, UserEntry
from guru_policy.machine import AccountName, Line, PathName
from guru_policy.model import wrong
from guru_policy.quantities import shown
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, execute


def _field(value: str) -> str:
    if ":" in value:
        raise wrong(f"{shown(value)} holds a colon, which separates fields in /etc/passwd")
    return value


Comment = Annotated[Line, AfterValidator(_field), StringConstraints(max_length=200)]
AccountPath = Annotated[PathName, AfterValidator(_field)]


class UserState(NamedTuple):
    """The account, and the sandbox root that its files are under."""

    entry: UserEntry | None
    root: str | None = None


class User(Resource[UserState]):
    """Keep a local account. What is absent here is left as it is found."""

    platforms = frozenset({"linux"})

    kind: Literal["user"] = "user"
    name: AccountName
    uid: Annotated[int, Field(ge=1, le=2_000_000_000)] | None = None
    comment: Comment | None = None
    home: AccountPath | None = None
    shell: AccountPath | None = None
    groups: Annotated[tuple[AccountName, ...], Field(strict=False, max_length=64)] | None = None
    groups_exact: bool = False          # also leave every other supplementary group
    system: bool = False                # only for a new account: a uid below 1000 and no home made
    locked: bool | None = None          # no way in, with password or key: the account has expired
    ensure: Literal["present", "absent"] = "present"

    async def probe(self, host: Host) -> UserState:
        return UserState(await host.user(self.name), host.root)

    def plan(self, now: UserState) -> Iterator[Step]:
        prefix = ("--prefix", now.root) if now.root else ()
        if self.ensure == "absent":
            if now.entry is not None:
                yield execute("userdel", *prefix, "--", self.name)
        elif now.entry is None:
            made = ["--system"] if self.system else ["--create-home"]
            if self.groups:
                made += ["--groups", ",".join(self.groups)]
            made += ["--expiredate", "1"] if self.locked else []
            yield execute("useradd", *prefix, *made, *self._settings(None), "--", self.name)
        else:
            changes = [*self._settings(now.entry), *self._membership(now.entry)]
            if self.locked is not None and self.locked != now.entry.locked:
                changes += ["--expiredate", "1" if self.locked else ""]
            if changes:
                yield execute("usermod", *prefix, *changes, "--", self.name)

    def _settings(self, entry: UserEntry | None) -> Iterator[str]:
        for option, wanted, found in (
            ("--uid", None if self.uid is None else str(self.uid), None if entry is None else str(entry.uid)),
            ("--comment", self.comment, None if entry is None else entry.comment),
            ("--home-dir" if entry is None else "--home", self.home, None if entry is None else entry.home),
            ("--shell", self.shell, None if entry is None else entry.shell),
        ):
            if wanted is not None and wanted != found:
                yield from (option, wanted)

    def _membership(self, entry: UserEntry) -> Iterator[str]:
        if self.groups is None:
            return
        wanted, found = set(self.groups), set(entry.groups)
        if self.groups_exact and wanted != found:
            yield from ("--groups", ",".join(sorted(wanted)))
        elif not wanted <= found:
            yield from ("--append", "--groups", ",".join(sorted(wanted - found)))
