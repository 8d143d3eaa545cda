"""Values with a unit, as people write them and as bundles carry them. It holds types only, no kind.

Every type is strict, reads what people write (`5m`, `85%`, `10GiB`, `"0644"`) and reads back what it dumps.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, PlainSerializer, StringConstraints, WithJsonSchema

from guru_policy.model import wrong

_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", re.ASCII)
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?(B|[KMGTP]i?B)", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%", re.ASCII)
_MODE_PATTERN = r"^(0[0-7]{3}|[0-7]{3}|0?[0-7]{4})$"
_MODE = re.compile(_MODE_PATTERN, re.ASCII)
_UNITS = {"B": 1} | {
    f"{letter}{infix}B": base**power
    for power, letter in enumerate("KMGTP", start=1)
    for infix, base in (("", 1000), ("i", 1024))
}
MAX_SECONDS = 366 * 86_400


def read_duration(value: object) -> int:
    """Whole seconds of `90s`, `5m`, `1h30m`, `1d` or a number of seconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str) and value and (found := _DURATION.fullmatch(value)):
        days, hours, minutes, rest = (int(part or 0) for part in found.groups())
        seconds = days * 86_400 + hours * 3_600 + minutes * 60 + rest
    else:
        raise wrong(f"{shown(value)} is not a duration", hint="write 90s, 5m, 1h30m or 1d")
    if not 0 <= seconds <= MAX_SECONDS:
        raise wrong(f"{shown(value)} is not between 0s and 366d")
    return seconds


def read_percent(value: object) -> float:
    """0 to 100, of `85%` or a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        percent = float(value)
    elif isinstance(value, str) and (found := _PERCENT.fullmatch(value)):
        percent = float(found[1])
    else:
        raise wrong(f"{shown(value)} is not a percentage", hint="write 85%")
    if not 0 <= percent <= 100:
        raise wrong(f"{shown(value)} is not between 0% and 100%")
    return percent


def read_bytes(value: object) -> int:
    """Whole bytes of `10GiB`, `500MB`, `512B` or a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and (found := _SIZE.fullmatch(value)):
        number, unit = found[1], _UNITS[found[2]]
        size = round(float(number) * unit) if "." in number else int(number) * unit
    else:
        raise wrong(f"{shown(value)} is not a size", hint="write 512B, 500MB or 10GiB")
    if not 0 <= size < 1 << 62:
        raise wrong(f"{shown(value)} is not a size that a disk can have")
    return size


def read_mode(value: object) -> int:
    """Permission bits of `"0644"`. A bare number is refused: YAML reads 0644 as six hundred forty-four."""
    if isinstance(value, str) and _MODE.fullmatch(value):
        return int(value, 8)
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong(f"the mode {value} is a number and not permission bits", hint=f'quote it: "{value:04d}"')
    raise wrong(f"{shown(value)} is not permission bits", hint='write four octal digits in quotes: "0644"')


def written_mode(mode: int) -> str:
    """`0644`, as people write it and as bundles carry it."""
    return f"{mode:04o}"


def shown(value: object) -> str:
    """A value in a message: short, on one line."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = ascii(text)[1:-1] if not text.isprintable() else text
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def written_as(shape: str, number: dict[str, JsonValue], pattern: str) -> WithJsonSchema:
    """The JSON Schema of what people write: a number, or text of this pattern. `shape` is for people."""
    text: dict[str, JsonValue] = {"type": "string", "pattern": pattern}
    return WithJsonSchema({"anyOf": [number, text], SHAPE: shape})


SHAPE = "x-guru-type"
"""The keyword of our JSON Schemas that says in one word what is written."""


def shape(word: str) -> Any:            # FieldInfo, which pydantic takes as part of an annotation
    """What people are to write, for schemas and pages."""
    return Field(json_schema_extra={SHAPE: word})


_SECONDS = r"^(?=[0-9])([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,9}s)?$"

Duration = Annotated[
    int, BeforeValidator(read_duration),
    written_as("duration", {"type": "integer", "minimum": 0, "maximum": MAX_SECONDS}, _SECONDS),
]
"""Whole seconds; people write `90s`, `5m`, `1h30m`, `1d`. Dumps as the number of seconds."""

PositiveDuration = Annotated[
    int, BeforeValidator(read_duration), Field(gt=0),
    written_as("duration", {"type": "integer", "minimum": 1, "maximum": MAX_SECONDS}, _SECONDS),
]
"""A Duration that is not zero."""

Percent = Annotated[
    float, BeforeValidator(read_percent),
    written_as("percent", {"type": "number", "minimum": 0, "maximum": 100}, r"^[0-9]{1,3}(\.[0-9]{1,6})? ?%$"),
]
"""0 to 100; people write `85%`. Dumps as a number."""

Bytes = Annotated[
    int, BeforeValidator(read_bytes),
    written_as("size", {"type": "integer", "minimum": 0},
               r"^[0-9]{1,15}(\.[0-9]{1,6})? ?(B|[KMGTP]i?B)$"),
]
"""Whole bytes; people write `10GiB`. Dumps as the number of bytes."""

FileMode = Annotated[
    int,
    BeforeValidator(read_mode),
    PlainSerializer(written_mode, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _MODE_PATTERN, SHAPE: "permission bits"}),
]
"""Permission bits; people write `"0644"`. Dumps as `0644`, a string."""

LABEL_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"

ItemId = Annotated[str, StringConstraints(pattern=LABEL_PATTERN), shape("name")]
"""The id of a check or a resource in its map, and the name of an object: a DNS label (RFC 1123)."""
