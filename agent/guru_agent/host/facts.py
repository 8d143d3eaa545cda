"""What a machine says of itself, as flat facts. It looks, and leaves out what it cannot see."""

from __future__ import annotations

import os
import platform
import socket
import time
from pathlib import Path

import psutil

from guru_policy.inventory import Scalar

DMI = Path("/sys/class/dmi/id")
MAX_FACT = 200
KEY_FACT = "device_key"                 # file | tpm: where the device key rests, as whoever holds it says


def gather() -> dict[str, Scalar]:
    """The facts. Names are stable: selectors in fleet repositories use them as fact/NAME."""
    release = _release()
    facts: dict[str, Scalar | None] = {
        "os": "linux",
        "os_name": release.get("ID"),
        "os_version": release.get("VERSION_ID"),
        "os_pretty": release.get("PRETTY_NAME"),
        "kernel": platform.release(),
        "arch": platform.machine(),
        "hostname": socket.gethostname(),
        "cpus": os.cpu_count() or 1,
        "ram_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "disk_gb": round(psutil.disk_usage("/").total / 2**30, 1),
        "boot_at": int(psutil.boot_time() * 1000),
        "timezone": time.tzname[0],
        "python": platform.python_version(),
        "vendor": _dmi("sys_vendor"),
        "model": _dmi("product_name"),
        "serial": _dmi("product_serial"),
        **_addresses(),
    }
    return {name: _bounded(value) for name, value in facts.items() if value not in (None, "")
            and value is not None}


def _release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _dmi(name: str) -> str | None:
    try:
        return (DMI / name).read_text(errors="replace").strip()
    except OSError:
        return None


def _addresses() -> dict[str, Scalar]:
    """The first address that is not the loopback's, and the hardware address beside it."""
    stats = psutil.net_if_stats()
    for name, entries in sorted(psutil.net_if_addrs().items()):
        if name == "lo" or not (name in stats and stats[name].isup):
            continue
        inet = [entry.address for entry in entries if entry.family == socket.AF_INET]
        mac = [entry.address for entry in entries if entry.family == psutil.AF_LINK]
        if inet:
            return {"ip": inet[0], **({"mac": mac[0]} if mac else {})}
    return {}


def _bounded(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return "".join(letter for letter in value if letter.isprintable())[:MAX_FACT]
    return value
