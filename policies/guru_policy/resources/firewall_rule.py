"""One rule of the machine's firewall for what comes in. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, StringConstraints, model_validator

from guru_policy.host import Host, Platform
from guru_policy.model import wrong
from guru_policy.quantities import ItemId
from guru_policy.resources.base import Resource
from guru_policy.resources.firewalls import Firewall, Rule, firewall_of
from guru_policy.resources.firewalls.nftables import Nftables
from guru_policy.resources.firewalls.rule import Networks, Ports, Transport, Verb, networks, port_spans
from guru_policy.resources.firewalls.ufw import Ufw
from guru_policy.resources.firewalls.windows import WindowsFirewall
from guru_policy.steps import Step

Interface = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,14}\z")]
ChainName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}\z")]


class RuleState(NamedTuple):
    """What the firewall of this name has."""

    firewall: str
    found: object


class FirewallRule(Resource[RuleState]):
    """Allow or deny what comes in. Rules of others are left alone."""

    platforms = frozenset({"linux", "windows"})

    kind: Literal["firewall_rule"] = "firewall_rule"
    name: ItemId
    action: Verb = "allow"
    protocol: Transport = "tcp"
    ports: Annotated[Ports, Field(max_length=50)] = ()
    addresses: Annotated[Networks, Field(strict=False, max_length=200)] = ()
    interface: Interface | None = None
    firewall: Literal["nftables", "ufw", "windows"] | None = None      # None: the machine's own
    table: ChainName = "filter"
    chain: ChainName = "input"
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _whole(self) -> FirewallRule:
        if self.ports and self.protocol not in ("tcp", "udp"):
            raise wrong(f"{self.protocol} has no ports", hint="ports are for tcp and udp")
        if self.firewall == "windows" and self.interface is not None:
            raise wrong("interface is for Linux")
        if self.firewall == "ufw" and self.protocol == "icmp":
            raise wrong("ufw has no rules for icmp", hint="it is in its own before.rules")
        return self

    def served(self) -> frozenset[Platform]:
        """The platform of the firewall that is named; an interface is Linux's."""
        if self.firewall == "windows":
            return frozenset({"windows"})
        return self.platforms if self.firewall is None and self.interface is None else frozenset({"linux"})

    async def probe(self, host: Host) -> RuleState:
        name = self.firewall or await firewall_of(host)
        return RuleState(name, await self._of(name).look(host, self._rule()))

    def plan(self, now: RuleState) -> Iterator[Step]:
        rule = self._rule() if self.ensure == "present" else None
        yield from self._of(now.firewall).steps(rule, now.found, self.name)

    def _of(self, name: str) -> Firewall:
        if name == "nftables":
            return Nftables(self.table, self.chain)
        return Ufw() if name == "ufw" else WindowsFirewall()

    def _rule(self) -> Rule:
        return Rule(
            self.name, self.action, self.protocol, port_spans(self.ports), networks(self.addresses), self.interface
        )
