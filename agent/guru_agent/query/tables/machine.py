"""Rows of `os`, `kernel`, `hardware` and `usb`."""

from __future__ import annotations

import os as system
import platform
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from guru_agent.query.programs import heard
from guru_agent.query.rows import Row, Unseen, Wanted

DMI = Path("/sys/class/dmi/id")
USB = Path("/sys/bus/usb/devices")


def os(wanted: Wanted) -> Iterator[Row]:
    """One row, of /etc/os-release."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    numbers = re.findall(r"\d+", release.get("VERSION_ID", ""))
    yield {
        "name": release.get("NAME"), "version": release.get("VERSION") or release.get("VERSION_ID"),
        "major": int(numbers[0]) if numbers else None, "minor": int(numbers[1]) if len(numbers) > 1 else None,
        "codename": release.get("VERSION_CODENAME"), "platform": release.get("ID"),
        "platform_like": release.get("ID_LIKE"), "arch": platform.machine(),
        "uptime": round(time.time() - psutil.boot_time()), "timezone": time.tzname[0],
    }


def kernel(wanted: Wanted) -> Iterator[Row]:
    """One row, of the kernel's command line."""
    arguments = _read(Path("/proc/cmdline")) or ""
    words = dict(word.partition("=")[::2] for word in arguments.split())
    yield {"version": platform.release(), "arguments": arguments, "path": words.get("BOOT_IMAGE"),
           "device": words.get("root")}


def hardware(wanted: Wanted) -> Iterator[Row]:
    """One row, of the firmware's tables and /proc."""
    memory = psutil.virtual_memory()
    swap = psutil.swap_memory()
    brand = re.search(r"^model name\s*:\s*(.+)$", _read(Path("/proc/cpuinfo")) or "", re.MULTILINE)
    yield {
        "hostname": socket.gethostname(), "uuid": _read(DMI / "product_uuid"),
        "cpu_brand": brand[1] if brand else platform.processor() or None,
        "cpu_physical_cores": psutil.cpu_count(logical=False), "cpu_logical_cores": psutil.cpu_count(),
        "physical_memory": memory.total, "available_memory": memory.available,
        "swap_total": swap.total, "swap_free": swap.free,
        "hardware_vendor": _read(DMI / "sys_vendor"), "hardware_model": _read(DMI / "product_name"),
        "hardware_version": _read(DMI / "product_version"), "hardware_serial": _read(DMI / "product_serial"),
        "virtualization": _virtualization() if wanted.any_of("virtualization") else None,
        "load_1": system.getloadavg()[0],
    }


def usb(wanted: Wanted) -> Iterator[Row]:
    """What the kernel lists, without its hubs' interfaces."""
    if not USB.is_dir():
        return
    for folder in sorted(USB.iterdir()):
        if (folder / "idVendor").is_file():
            yield {
                "usb_address": f"{_read(folder / 'busnum')}:{_read(folder / 'devnum')}",
                "vendor": _read(folder / "manufacturer"), "vendor_id": _read(folder / "idVendor"),
                "model": _read(folder / "product"), "model_id": _read(folder / "idProduct"),
                "serial": _read(folder / "serial"), "removable": int(_read(folder / "removable") == "removable"),
            }


def _virtualization() -> str | None:
    try:
        return heard("systemd-detect-virt", codes=(0, 1)).strip() or None
    except Unseen:
        return None


def _read(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20).strip() or None
    except OSError:
        return None
