"""A command that is run unless it is so already. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from guru_policy.host import Host
from guru_policy.machine import SHELL, Argv, ArgvOrShell, Environment, PathName, Text
from guru_policy.model import wrong
from guru_policy.quantities import PositiveDuration
from guru_policy.resources.base import Resource
from guru_policy.steps import Execute, Step


class Command(Resource[bool]):
    """Run a program when `unless` says that it is not so yet (any exit code but 0)."""

    platforms = frozenset({"linux"})

    kind: Literal["command"] = "command"
    command: Argv | None = None
    shell: Annotated[Text, StringConstraints(min_length=1)] | None = None
    unless: ArgvOrShell
    cwd: PathName | None = None
    env: Environment = {}
    timeout: Annotated[PositiveDuration, Field(le=86_400)] = 300

    @model_validator(mode="after")
    def _one_program(self) -> Command:
        if (self.command is None) == (self.shell is None):
            raise wrong("give `command` (a list) or `shell` (one string), and not both")
        return self

    async def probe(self, host: Host) -> bool:
        looked = await host.run(self.unless, timeout=float(min(self.timeout, 60)), env=self.env, cwd=self.cwd)
        return looked.exit_code == 0

    def plan(self, now: bool) -> Iterator[Step]:
        if not now:
            argv = self.command or (SHELL, "-c", self.shell or "")
            yield Execute(argv, float(self.timeout), tuple(sorted(self.env.items())), self.cwd)
