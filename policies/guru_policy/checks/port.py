"""Whether a TCP port takes connections. Looks and judges; changes nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import above, verdict
from guru_policy.host import Host
from guru_policy.machine_names import OneLine
from guru_policy.quantities import PositiveDuration
from guru_policy.verdict import State, Verdict


class Port(Check):
    """A TCP connection from the device to an address and port."""

    kind: Literal["port"] = "port"
    port: Annotated[int, Field(ge=1, le=65_535)]
    address: OneLine = "127.0.0.1"
    timeout: PositiveDuration = 5
    warning: PositiveDuration | None = None      # seconds until the connection stood

    async def sample(self, host: Host) -> Verdict:
        """Seconds until the connection stood; critical when it did not."""
        where = f"{self.address}:{self.port}"
        took = await host.connect(self.address, self.port, float(self.timeout))
        if took is None:
            return verdict(State.critical, f"{where} takes no connection within {self.timeout} s")
        return verdict(above(took, self.warning, None), f"{where} answers in {took * 1000:.0f} ms", took, "s")
