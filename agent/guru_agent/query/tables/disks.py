"""Rows of `disks`, `mounts` and `smart`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import cast

import orjson
import psutil

from guru_agent.query.programs import heard
from guru_agent.query.rows import Row, Unseen, Value, Wanted

_LSBLK = "PATH,PKNAME,TYPE,SIZE,VENDOR,MODEL,SERIAL,ROTA,TRAN,FSTYPE,LABEL,UUID,MOUNTPOINT"
Json = Mapping[str, object]


def disks(wanted: Wanted) -> Iterator[Row]:
    """What lsblk lists."""
    yield from read_lsblk(heard("lsblk", "--json", "--bytes", "--list", "--output", _LSBLK))


def read_lsblk(text: str) -> Iterator[Row]:
    """The rows of `lsblk --json --bytes --list`."""
    for one in orjson.loads(text).get("blockdevices", ()):
        parent = _said(one.get("pkname"))
        yield {
            "name": one.get("path"), "parent": f"/dev/{parent}" if parent else None, "type": one.get("type"),
            "size": _whole(one.get("size")), "vendor": _said(one.get("vendor")), "model": _said(one.get("model")),
            "serial": _said(one.get("serial")), "rotational": int(bool(one.get("rota"))),
            "transport": one.get("tran"), "fstype": one.get("fstype"), "label": one.get("label"),
            "uuid": one.get("uuid"), "mounted_at": one.get("mountpoint"),
        }


def mounts(wanted: Wanted) -> Iterator[Row]:
    """File systems with their room; only the given one is asked, so that a dead one elsewhere does no harm."""
    path = wanted.equal("path")
    for part in psutil.disk_partitions(all=True):
        if path is not None and part.mountpoint != path:
            continue
        yield {"device": part.device, "path": part.mountpoint, "type": part.fstype, "flags": part.opts,
               **_room(part.mountpoint)}


def _room(path: str) -> dict[str, Value]:
    try:
        found = os.statvfs(path)
    except OSError:
        return {}
    size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    return {
        "size": size, "free": free, "available": found.f_bfree * found.f_frsize,
        "used_percent": round(used / (used + free) * 100, 1) if used + free else None,
        "inodes": found.f_files, "inodes_free": found.f_ffree,
    }


def smart(wanted: Wanted) -> Iterator[Row]:
    """Every disk that smartctl finds. Its exit code is a set of warnings; only the lowest two bits are failures."""
    warnings = tuple(code for code in range(256) if not code & 3)
    for one in orjson.loads(heard("smartctl", "--json", "--scan")).get("devices", ()):
        try:
            said = heard("smartctl", "--json", "--all", "--device", one["type"], one["name"], codes=warnings)
        except Unseen as cause:
            raise Unseen(f"{one['name']}: {cause}") from cause
        yield read_smart(said)


def read_smart(text: str) -> Row:
    """One disk's row, of `smartctl --json --all`; ATA attributes 5 and 197 by their raw value."""
    found = cast(Json, orjson.loads(text))
    attributes = {entry["id"]: entry["raw"]["value"] for entry in _in(found, "ata_smart_attributes").get("table", ())}  # type: ignore[attr-defined]
    nvme = _in(found, "nvme_smart_health_information_log")
    passed = _in(found, "smart_status").get("passed")
    return {
        "device": _said(_in(found, "device").get("name")), "model": _said(found.get("model_name")),
        "serial": _said(found.get("serial_number")), "passed": int(passed) if isinstance(passed, bool) else None,
        "temperature": _whole(_in(found, "temperature").get("current")),
        "power_on_hours": _whole(_in(found, "power_on_time").get("hours")),
        "reallocated": _whole(attributes.get(5)), "pending": _whole(attributes.get(197)),
        "percent_used": _whole(nvme.get("percentage_used")), "media_errors": _whole(nvme.get("media_errors")),
    }


def _in(found: Json, name: str) -> Json:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _whole(value: object) -> int | None:
    """lsblk writes numbers as text before 2.37."""
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) else None


def _said(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
