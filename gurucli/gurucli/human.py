"""Times, sizes and counts as people read and write them. Pure: the clock is handed in."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from guru_policy.errors import UsageWrong

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SPANS = ((1, "s", 90), (60, "m", 5400), (3600, "h", 129600), (86400, "d", 63_072_000))   # size, unit, up to


def span(seconds: float) -> str:
    """The one or two largest units that tell: `4s`, `12m`, `3h`, `21d`, `2y`."""
    seconds = max(0.0, seconds)
    for size, unit, until in _SPANS:
        if seconds < until:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // 31_536_000)}y"


def ago(then: int | None, now: float) -> str:
    """Since `then` (ms UTC) at `now` (s); `-` for never, `in 3h` for the future."""
    if then is None:
        return "-"
    seconds = now - then / 1000
    return span(seconds) if seconds >= -1 else f"in {ahead(-seconds)}"


def ahead(seconds: float) -> str:
    """What is left, to the nearest unit: four hours of which a second is over are `4h`, not `3h`."""
    for size, unit, until in _SPANS:
        if seconds <= until:
            return f"{int(max(0.0, seconds) / size + 0.5)}{unit}"
    return span(seconds)


def stamp(then: int | None) -> str:
    """ms UTC as ISO 8601 with seconds, for files and pipes; empty for never."""
    if then is None:
        return ""
    try:
        return datetime.fromtimestamp(then / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(then)


def size(count: float) -> str:
    """Bytes in powers of 1024: `812 B`, `3.4 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""


def amount(name: str, value: float) -> str:
    """A metric's value: sizes in bytes as such, by the last word of the name; others with four digits."""
    word = name.partition(":")[0].rpartition(".")[2]
    if word == "uptime":
        return span(value)
    if word.endswith("percent"):
        return f"{value:.3g} %"
    if abs(value) >= 1024 and (word in ("free", "total", "available", "used") or word.endswith("bytes")):
        return size(value)
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 device`, `2 devices`, `1,204 devices`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def seconds(text: str) -> float:
    """A duration as people write it: `90`, `30s`, `5m`, `1h30m`, `7d`; UsageWrong for anything else."""
    try:
        return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else _sum(text)
    except ValueError as cause:
        raise UsageWrong(f"{text!r} is not a duration", hint="write it like 30s, 5m, 1h30m or 7d") from cause


def _sum(text: str) -> float:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def percent(text: str) -> float:
    """`95%` or `95` as 0.95; UsageWrong for anything else or beyond 100 %."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError as cause:
        raise UsageWrong(f"{text!r} is not a percentage", hint="write it like 95%") from cause
    if not 0 < share <= 1:
        raise UsageWrong(f"{text!r} is not between 0% and 100%", hint="write it like 95%")
    return share
