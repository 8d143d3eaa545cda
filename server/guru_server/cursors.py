"""Cursors of pages: the sort key of the last row that was seen, for one question of one tenant. It reads no rows.

A page begins after that key, so rows that come or go between two pages neither repeat others nor hide them. A cursor
gives no right: whoever brings one is asked for theirs as without.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import orjson
from fastapi import Depends, Query, Request
from sqlalchemy import ColumnElement, or_

from guru_policy.errors import InputInvalid

RowT = TypeVar("RowT")
Part = int | str
Key = tuple[Part, ...]
LAST = 1 << 53                          # the last number, or ms UTC, that JSON holds exactly (RFC 8259, 6)
LONGEST = 18                            # digits; more would not fit into a database's integer
MOST_TEXT = 8000                        # characters of a cursor
EVERY = 10_000                          # rows of one page at most
MARK = 16                               # hex digits
_PARTS = 12
_BESIDE = ("cursor", "limit")           # what may differ from page to page


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a page begins: after the row with the key `last`; None: at the beginning. `mark` is of the question."""

    mark: str
    last: Key | None = None

    def after(self, *kinds: type[int] | type[str]) -> Key | None:
        """The key, if its parts are of these kinds; InputInvalid for another."""
        if self.last is not None and [type(part) for part in self.last] != [*kinds]:
            raise _not_ours()
        return self.last

    def cursor(self, key: Key) -> str:
        """The cursor of the page after the row with this key."""
        return base64.urlsafe_b64encode(orjson.dumps([self.mark, *key])).decode()

    def cut(
        self, rows: Sequence[RowT], limit: int, key: Callable[[RowT], Key]
    ) -> tuple[tuple[RowT, ...], str | None]:
        """The page of a list that is whole in memory, by its key, which no two rows share; and the next cursor."""
        ordered = sorted(rows, key=key)
        begin = 0
        if ordered and (last := self.after(*map(type, key(ordered[0])))) is not None:
            begin = bisect_right(ordered, last, key=key)
        page = tuple(ordered[begin : begin + limit])
        return page, self.cursor(key(page[-1])) if begin + len(page) < len(ordered) else None


def paging(
    request: Request,
    cursor: Annotated[str | None, Query(max_length=MOST_TEXT, description="`next` of the page before")] = None,
) -> Paging:
    """What a request asks for; InputInvalid for a cursor that is none, or another question's."""
    asked = sorted(one for one in request.query_params.multi_items() if one[0] not in _BESIDE)
    tenant = getattr(request.app.state, "tenant", "")
    said = orjson.dumps([tenant, request.url.path, asked])
    mark = hashlib.sha256(said).hexdigest()[:MARK]
    return Paging(mark, read(cursor, mark) if cursor else None)


Paged = Annotated[Paging, Depends(paging)]
Rows = Annotated[int, Query(ge=1, le=EVERY)]


def read(cursor: str, mark: str) -> Key:
    """The key in a cursor; InputInvalid when it is none, or has another mark."""
    try:
        parts = orjson.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as cause:
        raise _not_ours() from cause
    if not isinstance(parts, list) or not 1 < len(parts) <= _PARTS or not all(map(_fits, parts)):
        raise _not_ours()
    if parts[0] != mark:
        raise InputInvalid("the cursor belongs to another list, or to another filter of it",
                           hint="ask again without a cursor")
    return tuple(parts[1:])


def newest_after(
    at: ColumnElement[int], ident: ColumnElement[str], last: Key | None
) -> tuple[ColumnElement[bool], ...]:
    """What to demand of the rows after `last`, when the newest come first and then the smaller ids."""
    if last is None:
        return ()
    return (or_(at < last[0], (at == last[0]) & (ident > last[1])),)


def number_of(text: str | None) -> int:
    """The number of a place in a stream, 0 without one. InputInvalid for anything else."""
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST:
        raise _not_ours()
    return int(text)


def _fits(part: object) -> bool:
    """Whether every database takes it: no NUL, no number that is too large."""
    return (type(part) is int and abs(part) <= LAST) or (isinstance(part, str) and "\x00" not in part)


def _not_ours() -> InputInvalid:
    return InputInvalid("the cursor is not one of ours", hint="ask again without a cursor")
