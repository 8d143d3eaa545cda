"""The firewalls that rules can be kept in, by name. It lists them and decides nothing."""

from __future__ import annotations

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.firewalls.rule import Firewall, Rule

__all__ = ["Firewall", "Rule", "firewall_of"]


async def firewall_of(host: Host) -> str:
    """`windows`, `ufw` where it is in charge, else `nftables`."""
    if host.platform == "windows":
        return "windows"
    if await host.stat("/usr/sbin/ufw") is not None:
        said = await host.run(("ufw", "status"))
        if said.exit_code == 0 and "Status: active" in said.stdout:
            return "ufw"
    if await host.stat("/usr/sbin/nft") is None:
        raise CannotLook("there is neither nft nor an active ufw on this machine", hint="install nftables")
    return "nftables"
