"""Whether a TCP port takes connections. It sends nothing and changes nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.checks.base import Check
from guru_policy.checks.judging import verdict
from guru_policy.host import Host
from guru_policy.quantities import PositiveDuration
from guru_policy.verdict import State, Verdict

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,254}\z")]


class Port(Check):
    """Critical when nobody listens. The value is the time until the connection stood, in milliseconds."""

    kind: Literal["port"] = "port"
    address: Address = Field(default="127.0.0.1", description="where to connect to")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(description="1 to 65535")
    timeout: Annotated[PositiveDuration, Field(le=60)] = Field(
        default=5, description="how long to wait for the connection")

    async def sample(self, host: Host) -> Verdict:
        seconds = await host.connect(self.address, self.port, float(self.timeout))
        where = f"{self.address} port {self.port}"
        if seconds is None:
            return verdict(State.critical, f"{where} takes no connection within {self.timeout} s")
        elapsed = seconds * 1000
        return verdict(State.ok, f"{where} took a connection in {elapsed:.1f} ms", elapsed, "ms")
