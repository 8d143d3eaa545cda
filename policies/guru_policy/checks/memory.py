"""How much physical memory is used. It changes nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from guru_policy.checks.base import Check
from guru_policy.checks.judging import above, ascending, human_bytes, verdict
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.quantities import Percent
from guru_policy.verdict import Verdict


class Memory(Check):
    """The share of memory that cannot be had without swapping."""

    kind: Literal["memory"] = "memory"
    warning: Percent | None = Field(  # Tactical RMM's defaults
        default=70.0, description="share that cannot be had without swapping")
    critical: Percent | None = Field(default=85.0, description="share that cannot be had without swapping")

    @model_validator(mode="after")
    def _in_order(self) -> Memory:
        ascending(self.warning, self.critical)
        return self

    async def sample(self, host: Host) -> Verdict:
        now = await host.memory()
        if now.total <= 0:
            raise CannotLook("the machine does not say how much memory it has")
        used = 100 * (now.total - now.free) / now.total
        message = f"memory {used:.1f}% used, {human_bytes(now.free)} of {human_bytes(now.total)} available"
        return verdict(above(used, self.warning, self.critical), message, used, "%")
