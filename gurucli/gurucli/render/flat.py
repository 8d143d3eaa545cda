"""Rows for other programs: tab-separated, CSV, names. Full width, no colour, one row a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from gurucli.sheet import Column, Row

_FORMULA = ("=", "+", "-", "@")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_QUOTED = re.compile(r'[",\r\n]|^\s|\s$')


def tsv(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """Tab-separated values without a header: cleaned text holds neither tab nor line break."""
    for row in rows:
        yield "\t".join(column.text(row) for column in columns)


def pairs(columns: Sequence[Column], row: Row) -> Iterator[str]:
    """One thing: a line a field, its name before the tab."""
    return (f"{column.key}\t{column.text(row)}" for column in columns)


def csv(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """RFC 4180 with a header of field names; text that a spreadsheet would run as a formula gets a quote
    before.
    """
    yield ",".join(_field(column.key) for column in columns)
    for row in rows:
        yield ",".join(_field(column.text(row)) for column in columns)


def _field(text: str) -> str:
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        text = "'" + text               # OWASP, CSV injection
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
