"""One sample of the machine's metrics: about twenty numbers, in less than two milliseconds. Looks only."""

from __future__ import annotations

import time

import psutil

MAX_MOUNTS = 8
# filesystems that hold people's data; the rest is the kernel's own
REAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "ntfs", "exfat", "overlay"})


def read_metrics(busy: float) -> dict[str, float]:
    """Metric name to value: percent, bytes or counts, as the name says. Counters grow since boot.

    `busy` is the processors' share since the last sample, in percent.
    """
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    load = psutil.getloadavg()
    metrics = {
        "cpu.percent": busy,
        "mem.used_percent": memory.percent,
        "mem.total": float(memory.total),
        "mem.available": float(memory.available),
        "swap.used_percent": swap.percent,
        "load.1": load[0],
        "load.5": load[1],
        "load.15": load[2],
        "uptime": time.time() - psutil.boot_time(),
        "processes.count": float(len(psutil.pids())),
    }
    return metrics | _traffic() | _mounts()


def _traffic() -> dict[str, float]:
    found: dict[str, float] = {}
    if network := psutil.net_io_counters():
        found |= {"net.rx_bytes": float(network.bytes_recv), "net.tx_bytes": float(network.bytes_sent)}
    if disk := psutil.disk_io_counters():
        found |= {"disk.read_bytes": float(disk.read_bytes), "disk.write_bytes": float(disk.write_bytes)}
    return found


def _mounts() -> dict[str, float]:
    """Used share and free bytes of each device once, by its shortest mount point."""
    found: dict[str, float] = {}
    seen: set[str] = set()
    parts = sorted(psutil.disk_partitions(all=True), key=lambda part: len(part.mountpoint))
    for part in parts:
        if part.fstype == "overlay" and part.mountpoint != "/":
            continue                    # a container's: each has a new name, which would be a new metric for ever
        if part.fstype not in REAL or part.device in seen or len(seen) >= MAX_MOUNTS:
            continue
        seen.add(part.device)
        try:
            usage = psutil.disk_usage(part.mountpoint)
        except OSError:
            continue
        found[f"disk.used_percent:{part.mountpoint}"] = usage.percent
        found[f"disk.free:{part.mountpoint}"] = float(usage.free)
    return found
