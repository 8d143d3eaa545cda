"""Which machine this is, as one digest: a hint for whoever lets devices in, never proof. It looks only."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psutil

MACHINE_ID = Path("etc/machine-id")
DMI = ("product_uuid", "product_serial", "board_serial")
MOST = 4096                             # bytes of one file


def hardware(root: Path | None = None) -> str:
    """64 hex digits over machine id, DMI serials and built-in network cards; empty when nothing tells.

    In a sandbox only the sandbox's machine id counts: what the machine below it is, is not the sandbox's.
    """
    parts = [f"machine-id={_read((root or Path('/')) / MACHINE_ID)}"]
    if root is None:
        parts += [f"{name}={_read(Path('/sys/class/dmi/id') / name)}" for name in DMI]
        parts += [f"mac={mac}" for mac in _cards()]
    told = sorted(part for part in parts if not part.endswith("="))
    return hashlib.sha256("\n".join(["guru/hardware", *told]).encode()).hexdigest() if told else ""


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST).decode(errors="replace").strip()
    except OSError:
        return ""


def _cards() -> list[str]:
    """Addresses that a maker gave: locally administered ones change with every container and bridge."""
    found = set()
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family == psutil.AF_LINK and _of_a_maker(entry.address):
                found.add(entry.address.lower())
    return sorted(found)


def _of_a_maker(mac: str) -> bool:
    try:
        first = int(mac[:2], 16)
    except ValueError:
        return False
    return not first & 2 and mac.strip("0:-") != ""
