"""How full a filesystem is. Looks and judges; changes nothing."""

from __future__ import annotations

from typing import Literal

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import above, below, verdict
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine_names import MachinePath
from guru_policy.quantities import Bytes, Percent
from guru_policy.verdict import State, Verdict

WORST = (State.critical, State.warning, State.ok)


class DiskSpace(Check):
    """The used share of the filesystem that holds a path, and what is free there."""

    kind: Literal["disk_space"] = "disk_space"
    path: MachinePath
    warning: Percent | None = 85.0      # used
    critical: Percent | None = 95.0
    warning_free: Bytes | None = None
    critical_free: Bytes | None = None

    async def sample(self, host: Host) -> Verdict:
        """The used share in percent; the worse of both judgements."""
        space = await host.space(self.path)
        if space is None:
            raise CannotLook(f"{self.path} does not exist")
        if space.total <= 0:
            raise CannotLook(f"{self.path} is on a filesystem without a size")
        used = 100 * (space.total - space.free) / space.total
        states = (
            above(used, self.warning, self.critical),
            below(space.free, self.warning_free, self.critical_free),
        )
        message = f"{self.path} {used:.0f}% used, {space.free / 2**30:.1f} GiB free"
        return verdict(min(states, key=WORST.index), message, used, "%")
