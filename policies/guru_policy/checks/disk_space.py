"""How full a filesystem is. It changes nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from guru_policy.checks.base import Check
from guru_policy.checks.judging import above, ascending, below, human_bytes, verdict, worst
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine import LookPath
from guru_policy.model import wrong
from guru_policy.quantities import Bytes, Percent
from guru_policy.verdict import Verdict


class DiskSpace(Check):
    """The used share of the filesystem that holds `path`, and what is still free; the graver one counts.

    The share is that of df(1): space that only root may write counts neither as used nor as free.
    """

    kind: Literal["disk_space"] = "disk_space"
    path: LookPath = Field(default="/", description="a path on the filesystem")
    warning: Percent | None = Field(  # Tactical RMM's defaults: less than 25 and 10 % free
        default=75.0, description="used share")
    critical: Percent | None = Field(default=90.0, description="used share")
    warning_free: Bytes | None = Field(default=None, description="warning when less is free, such as `10GiB`")
    critical_free: Bytes | None = Field(default=None, description="critical when less is free")

    @model_validator(mode="after")
    def _in_order(self) -> DiskSpace:
        ascending(self.warning, self.critical)
        if self.warning_free is not None and self.warning_free < (self.critical_free or 0):
            raise wrong("`warningFree` is below `criticalFree`", hint="exchange them")
        return self

    async def sample(self, host: Host) -> Verdict:
        now = await host.space(self.path)
        if now is None or now.total <= 0:
            raise CannotLook(f"there is no filesystem at {self.path}")
        used = now.used_percent
        state = worst(
            above(used, self.warning, self.critical), below(now.free, self.warning_free, self.critical_free)
        )
        message = f"{self.path} {used:.1f}% used, {human_bytes(now.free)} free"
        return verdict(state, message, used, "%")
