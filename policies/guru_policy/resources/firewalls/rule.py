"""What a firewall rule says, apart from any firewall. Only values."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import AfterValidator, BeforeValidator

from guru_policy.host import Host
from guru_policy.model import wrong
from guru_policy.quantities import shown
from guru_policy.steps import Step

Verb = Literal["allow", "deny"]
Transport = Literal["tcp", "udp", "icmp", "any"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rule(NamedTuple):
    """One rule for what comes in. No ports: all of them; no sources: everybody."""

    name: str
    action: Verb
    protocol: Transport
    ports: tuple[tuple[int, int], ...]
    sources: tuple[Network, ...]
    interface: str | None


class Firewall(Protocol):
    """One firewall. What `look` gives, `steps` understands."""

    async def look(self, host: Host, rule: Rule) -> object: ...

    def steps(self, rule: Rule | None, now: object, name: str) -> Iterator[Step]:
        """What is missing; with no rule, what takes the rule of this name away."""
        ...


def _ports(value: object) -> object:
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple(
        str(entry) if isinstance(entry, int) and not isinstance(entry, bool) else entry for entry in entries
    )


def port_spans(ports: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """First and last port of each span, sorted; spans that touch or overlap are one."""
    spans: list[tuple[int, int]] = []
    for text in ports:
        low, _, high = text.partition("-")
        ends = (low, high or low)
        if not all(end.isascii() and end.isdigit() and 0 < int(end) < 65_536 for end in ends):
            raise wrong(f"{shown(text)} is not a port", hint="a number from 1 to 65535, or a span such as 8000-8010")
        if int(ends[0]) > int(ends[1]):
            raise wrong(f"{shown(text)} runs backwards")
        spans.append((int(ends[0]), int(ends[1])))
    merged: list[tuple[int, int]] = []
    for low_port, high_port in sorted(spans):
        if merged and low_port <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high_port))
        else:
            merged.append((low_port, high_port))
    return tuple(merged)


def _checked_ports(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(written(span) for span in port_spans(value))


def written(span: tuple[int, int]) -> str:
    """`22` or `80-90`."""
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def networks(values: tuple[str, ...]) -> tuple[Network, ...]:
    """The networks without those that others hold, IPv4 first."""
    found: list[Network] = []
    for value in values:
        try:
            found.append(ipaddress.ip_network(value))
        except ValueError as cause:
            raise wrong(f"{shown(value)} is not a network", hint="such as 192.0.2.0/24 or 2001:db8::7") from cause
    v4 = ipaddress.collapse_addresses(one for one in found if isinstance(one, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(one for one in found if isinstance(one, ipaddress.IPv6Network))
    return (*v4, *v6)


def short(network: Network) -> str:
    """A single address without its length."""
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)


def _checked_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(short(network) for network in networks(value))


Ports = Annotated[
    tuple[str, ...], BeforeValidator(_ports, json_schema_input_type=int | str | tuple[int | str, ...]),
    AfterValidator(_checked_ports),
]
Networks = Annotated[tuple[str, ...], AfterValidator(_checked_networks)]
