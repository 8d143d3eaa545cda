"""A VPN profile in whatever makes VPN connections on the machine. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from pydantic import model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import Host, Platform
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.resources.vpn import files, windows
from guru_policy.resources.vpn.files import Driver, Found
from guru_policy.resources.vpn.networkmanager import NetworkManager
from guru_policy.resources.vpn.profile import DriverName, Profile, secrets_of
from guru_policy.resources.vpn.strongswan import StrongSwan
from guru_policy.resources.vpn.wg_quick import WgQuick
from guru_policy.resources.vpn.windows import Connection
from guru_policy.steps import Step

_FILES: Mapping[DriverName, Driver] = {
    "networkmanager": NetworkManager(), "strongswan": StrongSwan(), "wg-quick": WgQuick()
}
_TYPES: Mapping[DriverName, frozenset[str]] = {
    "networkmanager": frozenset({"l2tp", "openvpn", "wireguard"}), "strongswan": frozenset({"l2tp"}),
    "wg-quick": frozenset({"wireguard"}), "windows": frozenset({"l2tp"}),
}


class VpnState(NamedTuple):
    """What was found; the secrets are for the steps alone, and nothing prints them."""

    driver: DriverName
    found: Found | Connection | None
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"VpnState({self.driver})"


class VpnProfile(Resource[VpnState], Profile):
    """Keep a VPN profile, or keep it away. Secrets are named, and never stand in a policy."""

    platforms = frozenset({"linux", "windows"})

    kind: Literal["vpn_profile"] = "vpn_profile"

    @model_validator(mode="after")
    def _fits_its_driver(self) -> VpnProfile:
        if self.driver is not None and self.type not in _TYPES[self.driver]:
            known = ", ".join(sorted(name for name, types in _TYPES.items() if self.type in types))
            raise wrong(f"{self.driver} has no profiles of type {self.type}", hint=f"one of {known}")
        return self

    def served(self) -> frozenset[Platform]:
        """Windows has L2TP/IPsec; a driver is one platform's."""
        if self.driver == "windows":
            return frozenset({"windows"})
        return self.platforms if self.driver is None and self.type == "l2tp" else frozenset({"linux"})

    async def probe(self, host: Host) -> VpnState:
        driver = self.driver or await self._driver(host)
        secrets = await secrets_of(self, host)
        if driver == "windows":
            return VpnState(driver, await windows.look(self, host), secrets)
        return VpnState(driver, await files.look(_FILES[driver], self, secrets, host), secrets)

    async def _driver(self, host: Host) -> DriverName:
        if host.platform == "windows":
            return "windows"
        places: tuple[tuple[DriverName, str], ...] = (
            ("networkmanager", "/usr/bin/nmcli"), ("wg-quick", "/usr/bin/wg-quick"),
            ("strongswan", "/usr/sbin/swanctl"),
        )
        for name, program in places:
            if self.type in _TYPES[name] and await host.stat(program) is not None:
                return name
        raise CannotLook(f"nothing on this machine keeps profiles of type {self.type}", hint="install NetworkManager")

    def plan(self, now: VpnState) -> Iterator[Step]:
        if isinstance(now.found, Found):
            yield from files.steps(_FILES[now.driver], self, now.found)
        else:
            yield from windows.steps(self, now.found, now.secrets)
