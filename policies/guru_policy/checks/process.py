"""Whether a program runs, and how often. Looks and judges; changes nothing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import verdict
from guru_policy.host import Host
from guru_policy.machine_names import OneLine, UserName
from guru_policy.model import wrong
from guru_policy.verdict import State, Verdict


class Process(Check):
    """The number of processes whose name or command line matches a glob."""

    kind: Literal["process"] = "process"
    name: OneLine | None = None         # of the program, as ps shows it: sshd, postgres*
    command: OneLine | None = None      # of the whole command line: *gunicorn*shop*
    user: UserName | None = None
    min: Annotated[int, Field(ge=0)] = 1
    max: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _something_to_match(self) -> Self:
        if self.name is None and self.command is None:
            raise wrong("a process check needs a name or a command")
        if self.max is not None and self.max < self.min:
            raise wrong(f"max {self.max} is under min {self.min}")
        return self

    async def sample(self, host: Host) -> Verdict:
        """The count; critical when it is not between min and max."""
        count = sum(
            1 for entry in await host.processes()
            if (self.name is None or fnmatchcase(entry.name, self.name))
            and (self.command is None or fnmatchcase(entry.command, self.command))
            and self.user in (None, entry.user)
        )
        fits = count >= self.min and (self.max is None or count <= self.max)
        what = self.name or self.command
        return verdict(State.ok if fits else State.critical, f"{count} running: {what}", float(count))
