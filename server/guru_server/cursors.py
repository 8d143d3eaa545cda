"""Cursors of pages that are plain numbers: how many rows were seen, or the last row's own number. It reads no rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from guru_policy.errors import InputInvalid

RowT = TypeVar("RowT")
LAST = 1 << 53                          # the last number, or ms UTC, that JSON holds exactly (RFC 8259, 6)
LONGEST = 18                            # digits; more would not fit into a database's integer


def number_of(cursor: str | None) -> int:
    """The number that a cursor holds, 0 without one. InputInvalid for anything else."""
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > LONGEST:
        raise InputInvalid("the cursor is not one of ours", hint="ask again without a cursor")
    return int(cursor)


def cut(rows: Sequence[RowT], skip: int, limit: int) -> tuple[tuple[RowT, ...], str | None]:
    """The page of a list that is whole in memory, and the next page's cursor; None at the end."""
    page = tuple(rows[skip : skip + limit])
    end = skip + len(page)
    return page, str(end) if end < len(rows) else None
