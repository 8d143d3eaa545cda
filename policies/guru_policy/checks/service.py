"""Whether a service runs. Looks and judges; changes nothing."""

from __future__ import annotations

from typing import Literal

from guru_policy.checks.base import Check
from guru_policy.checks.thresholds import verdict
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine_names import UnitName
from guru_policy.verdict import State, Verdict

# systemctl(1), is-active
STATES = {
    "active": State.ok, "reloading": State.ok, "activating": State.warning, "deactivating": State.warning,
    "inactive": State.critical, "failed": State.critical,
}


class Service(Check):
    """A systemd unit that should be active."""

    kind: Literal["service"] = "service"
    name: UnitName

    async def sample(self, host: Host) -> Verdict:
        """No value; the unit's state is in the message."""
        found = await host.query("systemctl", "is-active", self.name)
        if found not in STATES:
            said = found[:100] or "no answer"
            raise CannotLook(f"systemctl does not tell the state of {self.name}: {said}")
        return verdict(STATES[found], f"{self.name} is {found}")
