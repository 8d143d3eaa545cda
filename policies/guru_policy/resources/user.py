"""A local user account. Looks and plans; never touches the machine, and never knows a password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.host import Host, UserEntry
from guru_policy.machine_names import MachinePath, UserName
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, execute

Comment = Annotated[str, StringConstraints(pattern=r"^[^:\n\x00-\x1f\x7f]{0,200}$")]


class User(Resource[UserEntry | None]):
    """Keep a local user, or keep it away. What is not given is left as it is."""

    kind: Literal["user"] = "user"
    name: UserName
    ensure: Literal["present", "absent"] = "present"
    uid: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    comment: Comment | None = None
    home: MachinePath | None = None
    shell: MachinePath | None = None
    groups: tuple[UserName, ...] | None = None
    groups_exact: bool = False          # take the user out of all other supplementary groups
    system: bool = False                # only read when the user is made
    locked: bool | None = None
    remove_home: bool = False           # absent only

    async def probe(self, host: Host) -> UserEntry | None:
        """The user's entry in the user database."""
        return await host.user(self.name)

    def plan(self, now: UserEntry | None) -> Iterator[Step]:
        """useradd, usermod or userdel."""
        if self.ensure == "absent":
            if now is not None:
                yield execute("userdel", *(["--remove"] if self.remove_home else []), self.name)
        elif now is None:
            yield execute("useradd", *self._new(), self.name)
            if self.locked:
                yield execute("usermod", "--lock", self.name)
        elif changes := self._changes(now):
            yield execute("usermod", *changes, self.name)

    def _new(self) -> list[str]:
        options = ["--system"] if self.system else ["--create-home"]
        for flag, value in (("--uid", self.uid), ("--comment", self.comment), ("--home-dir", self.home),
                            ("--shell", self.shell), ("--groups", ",".join(self.groups or ()) or None)):
            if value is not None:
                options += [flag, str(value)]
        return options

    def _changes(self, now: UserEntry) -> list[str]:
        options: list[str] = []
        for flag, wanted, found in (
            ("--uid", self.uid, now.uid), ("--comment", self.comment, now.comment),
            ("--home", self.home, now.home), ("--shell", self.shell, now.shell),
        ):
            if wanted is not None and wanted != found:
                options += [flag, str(wanted)]
        if self.groups is not None:
            missing = set(self.groups) - set(now.groups)
            if self.groups_exact and set(self.groups) != set(now.groups):
                options += ["--groups", ",".join(sorted(self.groups))]
            elif missing and not self.groups_exact:
                options += ["--append", "--groups", ",".join(sorted(missing))]
        if self.locked not in (None, now.locked):
            options.append("--lock" if self.locked else "--unlock")
        return options
