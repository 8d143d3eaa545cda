"""Hours and days summed up: per metric how many values, min, mean, max and last. Pure.

A row is deflated: for each metric of its layout u32 n and float64 min, mean, max, last (zeros when n is 0).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from guru_policy.errors import InputInvalid

_ONE = struct.Struct("<I4d")
_MAX_PLAIN = 1 << 20


class Summary(NamedTuple):
    """One metric over a stretch of time; the numbers mean nothing when `n` is 0."""

    n: int = 0
    low: float = 0.0
    mean: float = 0.0
    high: float = 0.0
    last: float = 0.0


def summed(values: Iterable[float]) -> Summary:
    """The summary of values in the order of time; NaN is left out."""
    present = [value for value in values if not math.isnan(value)]
    if not present:
        return Summary()
    return Summary(len(present), min(present), math.fsum(present) / len(present), max(present), present[-1])


def joined(parts: Sequence[Summary]) -> Summary:
    """The summary of several stretches in the order of time: means are weighed by their counts."""
    parts = [part for part in parts if part.n]
    if not parts:
        return Summary()
    count = sum(part.n for part in parts)
    mean = math.fsum(part.mean * part.n for part in parts) / count
    return Summary(count, min(p.low for p in parts), mean, max(p.high for p in parts), parts[-1].last)


def encode(summaries: Sequence[Summary]) -> bytes:
    """The stored row of one summary a metric."""
    return zlib.compress(b"".join(_ONE.pack(*summary) for summary in summaries), 6)


def decode(data: bytes) -> list[Summary]:
    """The summaries of a stored row; InputInvalid when the bytes are damaged."""
    try:
        plain = zlib.decompressobj().decompress(data, _MAX_PLAIN)
        return [Summary(*row) for row in _ONE.iter_unpack(plain)]
    except (zlib.error, struct.error) as cause:
        raise InputInvalid("a roll-up of samples is damaged", hint="run `guru doctor`") from cause
