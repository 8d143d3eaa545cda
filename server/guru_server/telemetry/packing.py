"""Samples as packed bytes, and the check of a sample from the wire. Pure; hot path: no models here."""

from __future__ import annotations

import math
import re
import struct
from functools import lru_cache
from typing import NamedTuple

from pydantic import JsonValue

from guru_policy.errors import InputInvalid
from guru_wire.uplink import MAX_METRICS

NAN = math.nan
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000       # in ms
OLDEST = 29 * DAY                       # before the 30 days after which days are summed up for good
AHEAD = 5 * MINUTE                      # how far a device's clock may run ahead

_HASH = re.compile(r"[0-9a-f]{16}").fullmatch


class Sample(NamedTuple):
    """One heartbeat, packed: little-endian float64 in the layout's order, NaN where absent."""

    layout: int
    ts: int
    vals: bytes


@lru_cache(maxsize=MAX_METRICS + 1)
def doubles(count: int) -> struct.Struct:
    """The codec of a vector of `count` values."""
    return struct.Struct(f"<{count}d")


def pack(body: JsonValue, *, now: int) -> Sample:
    """A sample's body, [layout hash, ts, [value or null, ...]], as stored; InputInvalid when it is not one.

    A time too far ahead of `now` (ms) or older than 29 days is refused: it would stand in the way of the
    newest sample, or of days that were summed up already.
    """
    if type(body) is not list or len(body) != 3:
        raise InputInvalid("a sample is [layout, time, [values]]")
    layout, ts, values = body
    if type(layout) is not str or not _HASH(layout) or type(values) is not list:
        raise InputInvalid("a sample is [layout, time, [values]]")
    if type(ts) is not int or not now - OLDEST < ts <= now + AHEAD:
        raise InputInvalid("a sample's time is in the future or older than 29 days")
    if not 0 < len(values) <= MAX_METRICS:
        raise InputInvalid(f"a sample has 1 to {MAX_METRICS} values")
    try:
        packed = doubles(len(values)).pack(*values)
    except (struct.error, OverflowError):
        packed = _pack_with_gaps(values)
    return Sample(int.from_bytes(bytes.fromhex(layout), "big", signed=True), ts, packed)


def unpack(vals: bytes) -> tuple[float, ...]:
    """The values of a packed vector; NaN where absent."""
    unpacked: tuple[float, ...] = doubles(len(vals) // 8).unpack(vals)
    return unpacked


def _pack_with_gaps(values: list[JsonValue]) -> bytes:
    filled: list[float] = []
    for value in values:
        if value is None:
            filled.append(NAN)
        elif isinstance(value, int | float):
            filled.append(value)
        else:
            raise InputInvalid("a sample's values are numbers or null")
    try:
        return doubles(len(filled)).pack(*filled)
    except (struct.error, OverflowError) as cause:
        raise InputInvalid("a sample's value is larger than any measurement") from cause
