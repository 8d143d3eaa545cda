"""Layouts: which metric stands at which place of a sample. Pure; it never touches the store."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from guru_policy.errors import InputInvalid
from guru_wire.uplink import MAX_METRICS

NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}(?:[:/][A-Za-z0-9_./:@\-]{1,63})?")
HASH = re.compile(r"[0-9a-f]{16}")
LAYOUTS_A_DEVICE = 100                  # a device brings this many layouts at most


class Metric(NamedTuple):
    """What a metric's name tells: its unit, and how many decimal digits are worth keeping."""

    unit: str
    scale: int


def hash_of(metrics: tuple[str, ...]) -> str:
    """The name of a layout on the wire: the first 16 hex digits of SHA-256 over the lines."""
    return hashlib.sha256("\n".join(metrics).encode()).hexdigest()[:16]


def id_of(layout_hash: str) -> int:
    """The layout's id in the store; InputInvalid when this is not a layout's hash."""
    if not HASH.fullmatch(layout_hash):
        raise InputInvalid("a layout's hash is 16 hex digits", hint="see Layout in guru_wire.uplink")
    return int.from_bytes(bytes.fromhex(layout_hash), "big", signed=True)


def checked(layout_hash: str, metrics: tuple[str, ...]) -> int:
    """The id of a layout that a device sent, when it is what its hash says and its names are names."""
    if not 0 < len(metrics) <= MAX_METRICS or len(set(metrics)) != len(metrics):
        raise InputInvalid(f"a layout has 1 to {MAX_METRICS} different metrics, not {len(metrics)}")
    if not all(NAME.fullmatch(name) for name in metrics):
        raise InputInvalid("a layout names a metric in a way that no metric is named")
    if hash_of(metrics) != layout_hash:
        raise InputInvalid("a layout's hash does not fit its names")
    return id_of(layout_hash)


def described(name: str) -> Metric:
    """Unit and scale by the ending of a metric's name: bytes are whole, percents keep two digits."""
    stem = re.split(r"[:/]", name, maxsplit=1)[0]
    if stem.endswith(("_bytes", ".bytes")):
        return Metric("B", 0)
    if stem.endswith(("_percent", ".percent", "_pct")):
        return Metric("%", 2)
    if stem.endswith(("_seconds", ".seconds")):
        return Metric("s", 3)
    if stem.endswith(("_count", ".count", "_total")):
        return Metric("", 0)
    return Metric("", 3)
