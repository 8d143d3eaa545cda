"""Whatever a script finds, in Nagios' words. It must only look: the agent gives it no right to more."""

from __future__ import annotations

import re
from typing import Literal

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import verdict
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine_names import Program
from guru_policy.quantities import PositiveDuration
from guru_policy.resources.command import Shell, argv_of
from guru_policy.verdict import State, Verdict

# monitoring-plugins.org, guidelines: return codes, and performance data after a bar
CODES = {0: State.ok, 1: State.warning, 2: State.critical}
PERFORMANCE = re.compile(r"^'?[^'=]*'?=(-?\d+(?:\.\d+)?)([A-Za-z%]{0,8})")


class Script(Check):
    """A program whose exit code is the verdict: 0 ok, 1 warning, 2 critical, anything else unknown."""

    kind: Literal["script"] = "script"
    command: Shell | Program            # a string goes to /bin/sh, a list to no shell
    timeout: PositiveDuration = 60

    async def sample(self, host: Host) -> Verdict:
        """The first value of the performance data, if there is any."""
        done = await host.run(argv_of(self.command), timeout=float(self.timeout))
        first = (done.stdout.strip() or done.stderr.strip()).split("\n", 1)[0]
        text, _, performance = first.partition("|")
        state = CODES.get(done.exit_code)
        if state is None:
            raise CannotLook(f"exit code {done.exit_code}: {text.strip()[:200]}")
        found = PERFORMANCE.match(performance.strip())
        value, unit = (float(found[1]), found[2]) if found else (None, "")
        return verdict(state, text.strip() or f"exit code {done.exit_code}", value, unit)
