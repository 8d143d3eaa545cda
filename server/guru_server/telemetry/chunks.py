"""Six hours of one device's samples in few bytes, and back: scaled deltas, bytes shuffled, zlib. Pure.

Lossless to a metric's scale: a value is kept to that many decimal digits, exactly when the agent sent no
more. A chunk, all of it deflated: version u8, samples u32, columns u16, then one column for the times and one
a metric. A column: tag u8 (digits << 4 | width), gap flag u8 (1: a bitmap of present values follows), then
the first value as i64 and the differences as `width` bytes each, bytes of equal rank together (width 0:
constant, 15: float64 as they are, shuffled likewise).
"""

from __future__ import annotations

import math
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import sub

from guru_policy.errors import InputInvalid
from guru_server.telemetry.packing import NAN, doubles

VERSION = 1
SPAN = 6 * 3_600_000                    # ms in a chunk
MAX_PLAIN = 16 << 20                    # bytes of one chunk when inflated
_RAW = 15
_EXACT = 1 << 53                        # beyond it a float64 skips whole numbers
_HEAD = struct.Struct("<BIH")
_FIRST = struct.Struct("<q")
_CODES = {1: "b", 2: "h", 4: "i", 8: "q"}

Rows = Sequence[tuple[int, bytes]]      # (ts, packed vector), in the order of time, of one layout


def encode(rows: Rows, scales: Sequence[int]) -> bytes:
    """The chunk of these rows; `scales` has the digits of each metric of their layout."""
    width = doubles(len(scales))
    columns: list[tuple[float, ...]] = list(zip(*(width.unpack(vals) for _, vals in rows), strict=True))
    parts = [_HEAD.pack(VERSION, len(rows), len(scales)), _integers([ts for ts, _ in rows], 0)]
    for values, scale in zip(columns, scales, strict=True):
        parts.append(_column(values, scale))
    return zlib.compress(b"".join(parts), 6)


def decode(data: bytes) -> list[tuple[int, bytes]]:
    """The rows of a chunk; InputInvalid when the bytes are damaged."""
    times, columns = _opened(data)
    pack = doubles(len(columns)).pack
    return [(ts, pack(*values)) for ts, *values in zip(times, *columns, strict=True)]


def decode_one(data: bytes, place: int) -> list[tuple[int, float]]:
    """Times and values of the metric at `place`; NaN where absent."""
    times, columns = _opened(data)
    return list(zip(times, columns[place], strict=True))


def _column(values: Sequence[float], scale: int) -> bytes:
    present = [value for value in values if math.isfinite(value)]
    gaps = b"" if len(present) == len(values) else _bitmap(values)
    if not present:
        return bytes((_RAW, 1)) + gaps
    if max(map(abs, present)) * 10**scale >= _EXACT:
        shuffled = _shuffled(array("d", present).tobytes(), 8)
        return bytes((_RAW, bool(gaps))) + gaps + shuffled
    digits = _digits(present, scale)
    factor = 10**digits
    return _integers([round(value * factor) for value in present], digits, gaps)


def _digits(values: Sequence[float], scale: int) -> int:
    """The fewest digits that keep every value as it is, or `scale` when none does."""
    for digits in range(scale):
        factor = 10**digits
        if all(round(value * factor) / factor == value for value in values):
            return digits
    return scale


def _integers(values: list[int], digits: int, gaps: bytes = b"") -> bytes:
    deltas = list(map(sub, values[1:], values))
    low, high = (min(deltas), max(deltas)) if deltas else (0, 0)
    width = 0 if low == high == 0 else next(w for w in _CODES if max(high, ~low) >> (8 * w - 1) == 0)
    packed = _shuffled(array(_CODES[width], deltas).tobytes(), width) if width else b""
    return bytes((digits << 4 | width, bool(gaps))) + gaps + _FIRST.pack(values[0]) + packed


def _bitmap(values: Sequence[float]) -> bytes:
    bits = sum(1 << place for place, value in enumerate(values) if math.isfinite(value))
    return bits.to_bytes((len(values) + 7) // 8, "little")


def _shuffled(data: bytes, width: int) -> bytes:
    return b"".join(data[rank::width] for rank in range(width))


def _unshuffled(data: bytes, width: int) -> bytes:
    plain = bytearray(len(data))
    count = len(data) // width
    for rank in range(width):
        plain[rank::width] = data[rank * count : (rank + 1) * count]
    return bytes(plain)


def _opened(data: bytes) -> tuple[list[int], list[list[float]]]:
    try:
        plain = zlib.decompressobj().decompress(data, MAX_PLAIN)
        version, rows, width = _HEAD.unpack_from(plain)
        if version != VERSION:
            raise InputInvalid(f"a chunk of samples has version {version}; this server reads {VERSION}")
        reader = _columns(memoryview(plain)[_HEAD.size :], rows)
        times = [int(ts) for ts in next(reader)]
        columns = [next(reader) for _ in range(width)]
    except (zlib.error, struct.error, ValueError, KeyError, StopIteration) as cause:
        raise InputInvalid("a chunk of samples is damaged", hint="run `guru doctor`") from cause
    return times, columns


def _columns(plain: memoryview, rows: int) -> Iterator[list[float]]:
    at = 0
    while at < len(plain):
        digits, width, gapped = plain[at] >> 4, plain[at] & 15, plain[at + 1]
        at += 2
        bits, count = None, rows
        if gapped:
            size = (rows + 7) // 8
            bits = int.from_bytes(plain[at : at + size], "little")
            at, count = at + size, bits.bit_count()
        if width == _RAW:
            size = 8 * count
            values: list[float] = array("d", _unshuffled(bytes(plain[at : at + size]), 8)).tolist()
        else:
            first = _FIRST.unpack_from(plain, at)[0]
            at += _FIRST.size
            size = width * (count - 1)
            values = _summed(first, bytes(plain[at : at + size]), width, count, digits)
        at += size
        yield values if bits is None else _spread(values, bits, rows)


def _summed(first: int, data: bytes, width: int, count: int, digits: int) -> list[float]:
    deltas = array(_CODES[width], _unshuffled(data, width)) if width else [0] * (count - 1)
    whole = accumulate(deltas, initial=first)
    if not digits:
        return list(map(float, whole))
    factor = 10**digits
    return [value / factor for value in whole]


def _spread(values: list[float], bits: int, rows: int) -> list[float]:
    present = iter(values)
    return [next(present) if bits >> place & 1 else NAN for place in range(rows)]
