"""The programs that install packages, by name. It lists them and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from guru_policy.errors import CannotLook
from guru_policy.host import Host, Platform
from guru_policy.resources.packaging.apt import Apt
from guru_policy.resources.packaging.brew import Brew
from guru_policy.resources.packaging.choco import Choco
from guru_policy.resources.packaging.dnf import Dnf
from guru_policy.resources.packaging.program import Found, ManagerName, Program, Wish, steps_to
from guru_policy.resources.packaging.winget import Winget

PROGRAMS: Mapping[ManagerName, Program] = {
    "apt": Apt(), "brew": Brew(), "choco": Choco(), "dnf": Dnf(), "winget": Winget()
}
PLATFORM_OF: Mapping[ManagerName, Platform] = {
    "apt": "linux", "brew": "macos", "choco": "windows", "dnf": "linux", "winget": "windows"
}

__all__ = ["PLATFORM_OF", "PROGRAMS", "Found", "ManagerName", "Program", "Wish", "manager_of", "steps_to"]


async def manager_of(host: Host) -> ManagerName:
    """What the machine itself installs packages with. CannotLook where that is none we know."""
    if host.platform == "windows":
        return "winget"
    if host.platform == "macos":
        return "brew"
    if await host.stat("/usr/bin/apt-get") is not None:
        return "apt"
    if await host.stat("/usr/bin/dnf") is not None:
        return "dnf"
    raise CannotLook("there is neither apt nor dnf on this machine", hint="name the `manager`")
