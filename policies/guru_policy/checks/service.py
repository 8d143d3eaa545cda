"""Whether a systemd unit is running. It changes nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.checks.base import Check
from guru_policy.checks.judging import verdict
from guru_policy.host import Host
from guru_policy.machine import UnitName
from guru_policy.resources.systemd_unit import unit_properties
from guru_policy.verdict import State, Verdict

_STATES = {
    "active": State.ok, "reloading": State.ok, "refreshing": State.ok,
    "activating": State.warning, "deactivating": State.warning,
}


class Service(Check):
    """Critical when the unit failed, stopped or is not there; warning while it starts or stops."""

    kind: Literal["service"] = "service"
    name: UnitName = Field(description="the unit")

    async def sample(self, host: Host) -> Verdict:
        said = await unit_properties(host, self.name)
        if said.get("LoadState") == "not-found":
            return verdict(State.critical, f"{self.name} is not installed", 0)
        active = said["ActiveState"]
        state = _STATES.get(active, State.critical)
        return verdict(state, f"{self.name} is {active}", 1 if state is State.ok else 0)
