"""A systemd unit, kept running or stopped. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.machine import UnitName
from guru_policy.quantities import ItemId
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, change_system

_RUNNING = frozenset({"active", "activating", "reloading", "refreshing"})
_PROPERTIES = "LoadState,ActiveState,UnitFileState,NeedDaemonReload"


class UnitState(NamedTuple):
    """`enabled` is None when the unit has no boot setting (static, generated, alias)."""

    running: bool
    enabled: bool | None
    stale: bool = False                 # its file changed since systemd read it


class SystemdUnit(Resource[UnitState]):
    """Keep a systemd unit running or stopped, and started at boot or not."""

    platforms = frozenset({"linux"})

    kind: Literal["systemd_unit"] = "systemd_unit"
    name: UnitName
    running: bool | None = True         # None: leave it as we found it
    enabled: bool | None = None         # None: leave the boot setting as we found it
    restart_on: Annotated[tuple[ItemId, ...], Field(strict=False, max_length=100)] = ()
    reload: bool = False                # reload instead of restart, where the unit can

    async def probe(self, host: Host) -> UnitState:
        said = await unit_properties(host, self.name)
        boot = said.get("UnitFileState", "")
        return UnitState(
            running=said["ActiveState"] in _RUNNING,
            enabled=True if boot == "enabled" else False if boot in _NOT_AT_BOOT else None,
            stale=said.get("NeedDaemonReload") == "yes",
        )

    def plan(self, now: UnitState) -> Iterator[Step]:
        if now.stale:
            yield change_system("systemctl", "daemon-reload")
        if self.enabled is not None and now.enabled is not None and self.enabled != now.enabled:
            yield change_system("systemctl", "enable" if self.enabled else "disable", "--", self.name)
        if self.running is not None and self.running != now.running:
            yield change_system("systemctl", "start" if self.running else "stop", "--", self.name)

    def starts_fresh(self, now: UnitState) -> bool:
        """A unit that is only now started has read its configuration."""
        return self.running is True and not now.running

    def triggers(self) -> tuple[str, ...]:
        return self.restart_on

    def plan_triggered(self) -> Iterator[Step]:
        if self.running is False:
            return
        verb = "reload-or-restart" if self.reload else "restart"
        yield change_system("systemctl", "daemon-reload")
        yield change_system("systemctl", verb if self.running else f"try-{verb}", "--", self.name)


_NOT_AT_BOOT = frozenset({"disabled", "enabled-runtime", "masked", "masked-runtime", ""})


async def unit_properties(host: Host, name: str) -> dict[str, str]:
    """What `systemctl show` says of a unit. CannotLook where systemd does not answer."""
    text = await host.query("systemctl", "show", f"--property={_PROPERTIES}", "--", name)
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if "ActiveState" not in said:
        raise CannotLook("systemd does not answer", hint="is this machine booted with systemd?")
    return said
