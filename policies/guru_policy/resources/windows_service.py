"""A Windows service, running or stopped, and how it starts. Looks and plans; never touches the machine.

Win32_Service tells State (`Running`, `Stopped`, `Start Pending`...), StartMode (`Auto`, `Manual`, `Disabled`) and
DelayedAutoStart in English on every Windows, unlike sc.exe (Microsoft's page of Win32_Service).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy import powershell
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.powershell import quoted
from guru_policy.quantities import ItemId
from guru_policy.resources.base import Resource
from guru_policy.steps import Step, change_system

ServiceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.$-]{1,200}\z")]
_RUNNING = frozenset({"Running", "Start Pending", "Continue Pending"})
_START = {"auto": "auto", "delayed": "delayed-auto", "manual": "demand", "disabled": "disabled"}


class ServiceState(Carried):
    """A service as Win32_Service tells it."""

    state: str
    mode: str
    delayed: bool = False


class WindowsService(Resource[ServiceState]):
    """Keep a service running or stopped, and started at boot or not."""

    platforms = frozenset({"windows"})

    kind: Literal["windows_service"] = "windows_service"
    name: ServiceName
    running: bool | None = True         # None: leave it as we found it
    start: Literal["auto", "delayed", "manual", "disabled"] | None = None
    restart_on: Annotated[tuple[ItemId, ...], Field(strict=False, max_length=100)] = ()

    async def probe(self, host: Host) -> ServiceState:
        script = (
            f"$s = Get-CimInstance Win32_Service | Where-Object Name -eq {quoted(self.name)}; "
            "if ($s) { ConvertTo-Json -Compress @{ state = [string]$s.State; mode = [string]$s.StartMode; "
            "delayed = [bool]$s.DelayedAutoStart } } else { 'null' }"
        )
        found = await powershell.ask(host, script, ServiceState)
        if found is None:
            raise CannotLook(f"there is no service {self.name}", hint="come `after` the resource that installs it")
        return found

    def plan(self, now: ServiceState) -> Iterator[Step]:
        mode = "delayed" if now.mode == "Auto" and now.delayed else now.mode.lower()
        if self.start is not None and self.start != mode:
            yield change_system("sc.exe", "config", self.name, "start=", _START[self.start])
        running = now.state in _RUNNING
        if self.running is not None and self.running != running:
            if self.running:
                yield powershell.tell(f"start service {self.name}", f"Start-Service -Name {quoted(self.name)}")
            else:
                yield powershell.tell(f"stop service {self.name}", f"Stop-Service -Name {quoted(self.name)} -Force")

    def starts_fresh(self, now: ServiceState) -> bool:
        """A service that is only now started has read its configuration."""
        return self.running is True and now.state not in _RUNNING

    def triggers(self) -> tuple[str, ...]:
        return self.restart_on

    def plan_triggered(self) -> Iterator[Step]:
        if self.running is not False:
            name = quoted(self.name)
            restart = f"if ((Get-Service -Name {name}).Status -eq 'Running') {{ Restart-Service -Name {name} -Force }}"
            yield powershell.tell(f"restart service {self.name}", restart)
