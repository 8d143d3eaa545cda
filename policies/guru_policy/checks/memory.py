"""How much memory is in use. Looks and judges; changes nothing."""

from __future__ import annotations

from typing import Literal

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import above, verdict
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.quantities import Percent
from guru_policy.verdict import Verdict


class Memory(Check):
    """The share of physical memory that cannot be had without swapping."""

    kind: Literal["memory"] = "memory"
    warning: Percent | None = 85.0
    critical: Percent | None = 95.0

    async def sample(self, host: Host) -> Verdict:
        """The share in percent."""
        space = await host.memory()
        if space.total <= 0:
            raise CannotLook("the machine does not tell how much memory it has")
        used = 100 * (space.total - space.free) / space.total
        message = f"memory {used:.0f}% used, {space.free / 2**30:.1f} GiB free"
        return verdict(above(used, self.warning, self.critical), message, used, "%")
