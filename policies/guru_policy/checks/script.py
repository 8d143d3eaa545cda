"""Any program as a check, read as a Nagios plugin. It looks only as far as the program does."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from guru_policy.checks.base import Check
from guru_policy.checks.judging import verdict
from guru_policy.host import Host
from guru_policy.machine import SHELL, Argv, Environment, PathName, Text
from guru_policy.model import wrong
from guru_policy.quantities import PositiveDuration
from guru_policy.verdict import State, Verdict

# Monitoring Plugins guidelines, "Plugin Return Codes" and "Performance data".
_STATES = {0: State.ok, 1: State.warning, 2: State.critical, 3: State.unknown}
_PERFDATA = re.compile(
    r"(?:'[^'=]{1,100}'|[^\s'=]{1,100})=(-?[0-9]{1,30}(?:\.[0-9]{1,30})?)([a-zA-Z%]{0,10})"
)


class Script(Check):
    """Exit codes 0, 1, 2 and 3 are ok, warning, critical and unknown; the first line is the message."""

    kind: Literal["script"] = "script"
    command: Argv | None = Field(default=None, description="a list: program and arguments")
    shell: Annotated[Text, StringConstraints(min_length=1)] | None = Field(
        default=None, description="one string for /bin/sh -c, in the place of `command`")
    cwd: PathName | None = Field(default=None, description="folder to start in")
    env: Environment = Field(default={}, description="variables")
    timeout: Annotated[PositiveDuration, Field(le=600)] = Field(default=60, description="then it is unknown")

    @model_validator(mode="after")
    def _one_program(self) -> Script:
        if (self.command is None) == (self.shell is None):
            raise wrong("give `command` (a list) or `shell` (one string), and not both")
        return self

    async def sample(self, host: Host) -> Verdict:
        argv = self.command or (SHELL, "-c", self.shell or "")
        done = await host.run(argv, timeout=float(self.timeout), env=self.env, cwd=self.cwd)
        first = next((line for line in done.stdout.splitlines() if line.strip()), "")
        message, _, measured = first.partition("|")
        value, unit = _value(measured)
        state = _STATES.get(done.exit_code, State.unknown)
        if done.exit_code not in _STATES:
            message = f"exit code {done.exit_code} is none of a plugin's: {message or done.stderr}"
        return verdict(state, message or done.stderr or state.value, value, unit)


def _value(measured: str) -> tuple[float | None, str]:
    """The first number of the performance data and its unit."""
    found = _PERFDATA.search(measured[:2000])
    if found is None:
        return None, ""
    value = float(found[1])
    return (value, found[2]) if math.isfinite(value) else (None, "")
