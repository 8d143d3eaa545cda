"""What a person gives in a file or on standard input, read within bounds. It looks into nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from guru_policy.errors import InputInvalid


def bytes_in(place: str, most: int, hint: str = "bring it there as a file first") -> bytes:
    """The content of a file, or of standard input for `-`. InputInvalid when it cannot be read or is larger: then
    `hint` says what else there is."""
    try:
        if place == "-":
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(place).open("rb") as opened:
                data = opened.read(most + 1)
    except OSError as cause:
        raise InputInvalid(f"{place} cannot be read: {(cause.strerror or 'failed').lower()}") from cause
    if len(data) > most:
        raise InputInvalid(f"{place} is larger than {most >> 10} KiB", hint=hint)
    return data


def text_in(place: str, most: int) -> str:
    """The same as text. InputInvalid when it is not UTF-8."""
    try:
        return bytes_in(place, most).decode()
    except UnicodeDecodeError as cause:
        raise InputInvalid(f"{place} is not text in UTF-8") from cause
