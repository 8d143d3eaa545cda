"""Plain YAML scalars by the YAML 1.2 core schema (yaml.org/spec/1.2.2, 10.3.2). It never guesses beyond it.

`off`, `no`, `12:30` and `2026-01-01` are text; `017` is seventeen, `0o17` is fifteen.
"""

from __future__ import annotations

import re

Plain = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
_HEX = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_NUMBER_STARTS = frozenset("+-.0123456789")
_LONGEST = 40                           # characters of a number; beyond it no float or 64-bit int differs


class NotANumber(ValueError):
    """The scalar looks like a number that JSON and 64 bits cannot hold; the message says which."""


def plain_scalar(text: str) -> Plain:
    """The value of a plain (unquoted) scalar. Raises NotANumber for infinities, NaN and huge numbers."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _NOT_FINITE.fullmatch(text):
        raise NotANumber("infinity and not-a-number are not values here")
    base = 10 if _INT.fullmatch(text) else 8 if _OCTAL.fullmatch(text) else 16 if _HEX.fullmatch(text) else 0
    if not base and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _LONGEST:
        raise NotANumber(f"a number of {len(text)} characters is too long")
    if base:
        number = int(text, 10) if base == 10 else int(text[2:], base)
        if not -(1 << 63) <= number < 1 << 63:
            raise NotANumber("the number does not fit into 64 bits")
        return number
    real = float(text)
    if real in (float("inf"), float("-inf")):
        raise NotANumber("the number is too large")
    return real
