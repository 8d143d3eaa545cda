"""How busy the processors are. Looks and judges; changes nothing."""

from __future__ import annotations

from typing import Literal

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import above, verdict
from guru_policy.host import Host
from guru_policy.quantities import Percent
from guru_policy.verdict import Verdict


class Cpu(Check):
    """The busy share of all processors since the check ran last."""

    kind: Literal["cpu"] = "cpu"
    warning: Percent | None = 90.0
    critical: Percent | None = None

    async def sample(self, host: Host) -> Verdict:
        """The share in percent."""
        busy = await host.cpu_percent()
        return verdict(above(busy, self.warning, self.critical), f"CPU {busy:.0f}% busy", busy, "%")
