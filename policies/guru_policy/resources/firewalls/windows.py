"""Rules of the Windows firewall, through the NetSecurity cmdlets. Looks and plans; never touches the machine.

Get-NetFirewallPortFilter gives LocalPort as text (`Any`, `22`, `8000-8010`), Get-NetFirewallAddressFilter gives
RemoteAddress with a mask (`10.0.0.0/255.0.0.0`), as Microsoft's pages of these cmdlets show them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import cast

from guru_policy import powershell
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.powershell import listed, quoted
from guru_policy.resources.firewalls.rule import Rule, short, written
from guru_policy.steps import Step


class NetRule(Carried):
    """A rule as the cmdlets tell it."""

    enabled: str
    direction: str
    action: str
    protocol: str
    ports: tuple[str, ...]
    sources: tuple[str, ...]


class WindowsFirewall:
    """The rule `guru-NAME`. On Windows what denies wins over what allows, whatever their order."""

    async def look(self, host: Host, rule: Rule) -> NetRule | None:
        """See Firewall."""
        return await powershell.ask(host, look_script(rule.name), NetRule)

    def steps(self, rule: Rule | None, now: object, name: str) -> Iterator[Step]:
        """See Firewall."""
        found = cast(NetRule | None, now)
        label = quoted(f"guru-{name}")
        remove = f"Remove-NetFirewallRule -Name {label}"
        if rule is None:
            if found is not None:
                yield powershell.tell(f"remove firewall rule guru-{name}", remove)
            return
        wanted = _wanted(rule)
        if found is not None and _plain(found) == _plain(wanted):
            return
        words = [
            f"New-NetFirewallRule -Name {label} -DisplayName {label} -Direction Inbound",
            f"-Action {wanted.action} -Protocol {quoted(wanted.protocol)} -Enabled True",
        ]
        if rule.ports:
            words.append(f"-LocalPort {listed(wanted.ports)}")
        if rule.sources:
            words.append(f"-RemoteAddress {listed(wanted.sources)}")
        commands = [remove] if found is not None else []
        yield powershell.tell(f"put firewall rule guru-{name}", *commands, f"{' '.join(words)} | Out-Null")


def look_script(name: str) -> str:
    """The script that tells a rule as JSON, or null."""
    return (
        f"$r = Get-NetFirewallRule -Name {quoted(f'guru-{name}')} -ErrorAction SilentlyContinue; "
        "if ($r) { $p = $r | Get-NetFirewallPortFilter; $a = $r | Get-NetFirewallAddressFilter; "
        "ConvertTo-Json -Compress @{ enabled = [string]$r.Enabled; direction = [string]$r.Direction; "
        "action = [string]$r.Action; protocol = [string]$p.Protocol; ports = @($p.LocalPort); "
        "sources = @($a.RemoteAddress) } } else { 'null' }"
    )


def _wanted(rule: Rule) -> NetRule:
    return NetRule(
        enabled="True", direction="Inbound", action="Allow" if rule.action == "allow" else "Block",
        protocol={"tcp": "TCP", "udp": "UDP", "icmp": "ICMPv4", "any": "Any"}[rule.protocol],
        ports=tuple(written(span) for span in rule.ports) or ("Any",),
        sources=tuple(short(one) for one in rule.sources) or ("Any",),
    )


def _plain(rule: NetRule) -> tuple[object, ...]:
    """What can be compared: masks as lengths, lists without order, ICMP by its name."""
    protocol = {"6": "TCP", "17": "UDP", "1": "ICMPv4"}.get(rule.protocol, rule.protocol)
    ports = frozenset(rule.ports) - {"RPC"}
    sources = frozenset(_network(text) for text in rule.sources)
    known = ports if protocol in ("TCP", "UDP") else frozenset()
    return rule.enabled, rule.direction, rule.action, protocol, known, sources


def _network(text: str) -> str:
    try:
        return short(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text
