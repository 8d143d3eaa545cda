"""A command that makes something so, and the test that tells whether it is. Looks and plans only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import StringConstraints

from guru_policy.host import Host
from guru_policy.machine_names import MachinePath, OneLine, Program
from guru_policy.quantities import PositiveDuration
from guru_policy.resources.base import Resource
from guru_policy.steps import Execute, Step

Shell = Annotated[str, StringConstraints(min_length=1, max_length=16_384)]


class Command(Resource[bool]):
    """Run a command unless a test says it is not needed. A string goes to /bin/sh, a list to no shell."""

    kind: Literal["command"] = "command"
    command: Shell | Program
    unless: Shell | Program             # exit code 0: it is so already
    cwd: MachinePath | None = None
    env: dict[Annotated[str, StringConstraints(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], OneLine] = {}
    timeout: PositiveDuration = 300

    async def probe(self, host: Host) -> bool:
        """Whether it is so already."""
        found = await host.run(argv_of(self.unless), timeout=60, env=self.env)
        return found.exit_code == 0

    def plan(self, now: bool) -> Iterator[Step]:
        """The command, when the test failed."""
        if not now:
            yield Execute(
                argv=argv_of(self.command), timeout=float(self.timeout), env=tuple(sorted(self.env.items())),
                cwd=self.cwd, sandboxed=True,
            )


def argv_of(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """A list as it is; a string as a script of /bin/sh."""
    return ("/bin/sh", "-c", command) if isinstance(command, str) else command
