"""A systemd unit, kept running or stopped. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from guru_policy.host import Host
from guru_policy.machine_names import UnitName
from guru_policy.quantities import ItemId
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, execute

# systemctl(1), is-enabled: these start at boot or cannot be made to
BOOTS = frozenset({"enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "linked"})


@dataclass(frozen=True, slots=True)
class UnitState:
    """Whether the unit runs, and whether it starts at boot."""

    running: bool
    enabled: bool


class SystemdUnit(Resource[UnitState]):
    """Keep a systemd unit running or stopped, and started at boot or not."""

    kind: Literal["systemd_unit"] = "systemd_unit"
    name: UnitName
    running: bool = True
    enabled: bool | None = None         # None: leave the boot setting as we found it
    restart_on: tuple[ItemId, ...] = ()
    reload: bool = False                # reload and do not restart when one of restart_on changed

    async def probe(self, host: Host) -> UnitState:
        """Whether it runs and starts at boot."""
        active = await host.query("systemctl", "is-active", self.name)
        boot = await host.query("systemctl", "is-enabled", self.name)
        return UnitState(running=active in ("active", "activating", "reloading"), enabled=boot in BOOTS)

    def plan(self, now: UnitState) -> Iterator[Step]:
        """Start or stop, enable or disable."""
        if self.running != now.running:
            yield execute("systemctl", "start" if self.running else "stop", self.name)
        if self.enabled not in (None, now.enabled):
            yield execute("systemctl", "enable" if self.enabled else "disable", self.name)

    def triggers(self) -> tuple[str, ...]:
        """What the unit reads, such as its configuration file."""
        return self.restart_on

    def plan_triggered(self) -> Iterator[Step]:
        """Restart (or reload) it, unless it should not run at all."""
        if self.running:
            yield execute("systemctl", "reload-or-restart" if self.reload else "restart", self.name)
