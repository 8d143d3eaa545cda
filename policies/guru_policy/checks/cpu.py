"""How busy the processors are, as a mean over some samples. It changes nothing."""

from __future__ import annotations

from collections import deque
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from guru_policy.checks.base import Check
from guru_policy.checks.judging import above, ascending, verdict
from guru_policy.host import Host
from guru_policy.quantities import Percent
from guru_policy.verdict import Verdict


class Cpu(Check):
    """Mean busy share of all processors over the last `samples` readings of this object."""

    kind: Literal["cpu"] = "cpu"
    warning: Percent | None = Field(  # Tactical RMM's defaults
        default=70.0, description="used share of all processors, in the mean")
    critical: Percent | None = Field(default=90.0, description="used share of all processors, in the mean")
    samples: Annotated[int, Field(ge=1, le=120)] = Field(
        default=15, description="readings in the mean; kept while the agent runs")
    _seen: deque[float] = PrivateAttr(default_factory=deque)

    @model_validator(mode="after")
    def _in_order(self) -> Cpu:
        ascending(self.warning, self.critical)
        return self

    async def sample(self, host: Host) -> Verdict:
        self._seen.append(await host.cpu_percent())
        while len(self._seen) > self.samples:
            self._seen.popleft()
        mean = sum(self._seen) / len(self._seen)
        message = f"processors {mean:.1f}% busy (mean of {len(self._seen)})"
        return verdict(above(mean, self.warning, self.critical), message, mean, "%")
