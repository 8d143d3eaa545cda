"""Rows of `interfaces`, `routes`, `listening_ports` and `connections`."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address
from pathlib import Path

import psutil

from guru_agent.query.rows import Row, Wanted

_PROTOCOLS = {socket.SOCK_STREAM: 6, socket.SOCK_DGRAM: 17}
_ADDRESSES = (socket.AF_INET, socket.AF_INET6)


def interfaces(wanted: Wanted) -> Iterator[Row]:
    """One row for each address of an interface; one for an interface without."""
    stats, counters = psutil.net_if_stats(), psutil.net_io_counters(pernic=True)
    for name, entries in sorted(psutil.net_if_addrs().items()):
        state, counted = stats.get(name), counters.get(name)
        mac = next((entry.address for entry in entries if entry.family == psutil.AF_LINK), None)
        base: Row = {
            "interface": name, "mac": mac, "mtu": state.mtu if state else None,
            "up": int(state.isup) if state else None, "speed": state.speed if state else None,
            "ibytes": counted.bytes_recv if counted else None, "obytes": counted.bytes_sent if counted else None,
            "ipackets": counted.packets_recv if counted else None,
            "opackets": counted.packets_sent if counted else None,
            "ierrors": counted.errin if counted else None, "oerrors": counted.errout if counted else None,
        }
        found = [entry for entry in entries if entry.family in _ADDRESSES]
        for entry in found:
            yield {**base, "address": entry.address.partition("%")[0], "mask": entry.netmask,
                   "broadcast": entry.broadcast}
        if not found:
            yield base


def listening_ports(wanted: Wanted) -> Iterator[Row]:
    """TCP sockets that listen, UDP sockets that are connected to nobody, socket files."""
    names: dict[int, str | None] = {}
    for one in psutil.net_connections("inet"):
        if one.status == psutil.CONN_LISTEN or (one.type == socket.SOCK_DGRAM and not one.raddr):
            address, port = _place(one.laddr)
            yield {"pid": one.pid, "name": _name(one.pid, names), "port": port, "path": None,
                   "protocol": _PROTOCOLS.get(one.type), "family": int(one.family), "address": address}
    for one in psutil.net_connections("unix"):
        if one.laddr and not one.raddr:
            yield {"pid": one.pid, "name": _name(one.pid, names), "port": 0, "path": str(one.laddr),
                   "protocol": 0, "family": int(one.family), "address": None}


def connections(wanted: Wanted) -> Iterator[Row]:
    """Sockets with another end."""
    names: dict[int, str | None] = {}
    for one in psutil.net_connections("inet"):
        if one.raddr:
            (here, local), (there, remote) = _place(one.laddr), _place(one.raddr)
            yield {
                "pid": one.pid, "name": _name(one.pid, names), "family": int(one.family),
                "protocol": _PROTOCOLS.get(one.type), "local_address": here, "local_port": local,
                "remote_address": there, "remote_port": remote, "state": one.status,
            }


def routes(wanted: Wanted) -> Iterator[Row]:
    """The kernel's main tables of both protocols."""
    for read, path in ((read_routes, "/proc/net/route"), (read_routes_6, "/proc/net/ipv6_route")):
        try:
            text = Path(path).read_text(encoding="ascii", errors="replace")
        except OSError:
            continue                    # a kernel without that protocol
        yield from read(text)


def read_routes(text: str) -> Iterator[Row]:
    """`/proc/net/route`: addresses are hexadecimal in the machine's byte order."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) >= 8:
            gateway = _quad(words[2])
            yield {"destination": _quad(words[1]), "netmask": int(words[7], 16).bit_count(), "interface": words[0],
                   "gateway": "" if gateway == "0.0.0.0" else gateway, "metric": int(words[6])}     # noqa: S104


def read_routes_6(text: str) -> Iterator[Row]:
    """`/proc/net/ipv6_route`: destination, bits, source, bits, gateway, metric, two counters, flags, interface."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 10 and words[9] != "lo":
            gateway = str(IPv6Address(bytes.fromhex(words[4])))
            yield {"destination": str(IPv6Address(bytes.fromhex(words[0]))), "netmask": int(words[1], 16),
                   "gateway": "" if gateway == "::" else gateway, "interface": words[9],
                   "metric": int(words[5], 16)}


def _place(address: Sequence[object]) -> tuple[str | None, int | None]:
    """Address and port of one end; a socket that is bound to nothing has neither."""
    return (str(address[0]), int(str(address[1]))) if len(address) == 2 else (None, None)


def _quad(text: str) -> str:
    return socket.inet_ntoa(struct.pack("=I", int(text, 16)))


def _name(pid: int | None, known: dict[int, str | None]) -> str | None:
    if pid is None:
        return None
    if pid not in known:
        try:
            known[pid] = psutil.Process(pid).name()
        except psutil.Error:
            known[pid] = None
    return known[pid]
