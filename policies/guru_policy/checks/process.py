"""How many processes of a name or command line run. It changes nothing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from guru_policy.checks.base import Check
from guru_policy.checks.judging import verdict
from guru_policy.host import Host
from guru_policy.machine import AccountName, Line
from guru_policy.model import wrong
from guru_policy.verdict import State, Verdict

Glob = Annotated[Line, StringConstraints(min_length=1, max_length=200)]


class Process(Check):
    """Critical when fewer than `min` or more than `max` processes match. Patterns are globs."""

    kind: Literal["process"] = "process"
    name: Glob | None = Field(default=None, description="glob of the program's name")
    command: Glob | None = Field(default=None, description="glob of the whole command line")
    user: AccountName | None = Field(default=None, description="only this user's")
    min: Annotated[int, Field(ge=0)] = Field(default=1, description="at least so many")
    max: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="at most so many; absent: any number")

    @model_validator(mode="after")
    def _sensible(self) -> Process:
        if self.name is None and self.command is None:
            raise wrong("a process check needs `name` or `command`")
        if self.max is not None and self.max < self.min:
            raise wrong("`max` is below `min`")
        return self

    async def sample(self, host: Host) -> Verdict:
        found = [
            one for one in await host.processes()
            if (self.name is None or fnmatchcase(one.name, self.name))
            and (self.command is None or fnmatchcase(one.command, self.command))
            and (self.user is None or one.user == self.user)
        ]
        count = len(found)
        wanted = f"at least {self.min}" if self.max is None else f"{self.min} to {self.max}"
        fine = count >= self.min and (self.max is None or count <= self.max)
        message = f"{count} processes like {self.name or self.command}, wanted {wanted}"
        return verdict(State.ok if fine else State.critical, message, count)
