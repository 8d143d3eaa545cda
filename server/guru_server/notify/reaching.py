"""The address that a webhook is sent to: looked up once, judged, and dialled as judged. It sends nothing.

A channel's URL stands in the fleet repository, and whoever writes it must not reach what only the server can:
the metadata service of a cloud hands out the machine's own rights at a link-local address. An MSP's own systems
often stand at private addresses, so these are allowed unless the server's settings say otherwise. The name is not
looked up a second time, so an answer that changes in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from guru_policy.errors import Undelivered

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Metadata services outside of the link-local range: AWS over IPv6, Alibaba Cloud, and Oracle's old one.
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")))
_NAT64, _6TO4 = ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("2002::/16")


async def reached(host: str, port: int, *, inside: bool) -> str:
    """The first address of `host` that may be dialled; Undelivered when it has none.

    `inside` allows private and loopback addresses.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as cause:
        raise Undelivered(f"the name {host} is not known") from cause
    for *_, place in found:
        if allowed(ipaddress.ip_address(str(place[0]).partition("%")[0]), inside=inside):
            return str(place[0])
    raise Undelivered(
        f"the webhook at {host} stands at an address that the server does not send to",
        hint="link-local addresses never are; private ones when notify.private is true", again=False,
    )


def allowed(address: Address, *, inside: bool) -> bool:
    """Whether webhooks may go there; what is packed into an IPv6 address counts as what it is."""
    plain = _unpacked(address)
    if plain in _METADATA or plain.is_link_local or plain.is_multicast or plain.is_unspecified:
        return False
    return inside or plain.is_global


def _unpacked(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4 and address.sixtofour:
        return address.sixtofour
    return address.ipv4_mapped or address
