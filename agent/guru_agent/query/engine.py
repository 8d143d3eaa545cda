"""Runs one SELECT over the tables, within its limits. It can change nothing and reach nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import apsw

from guru_agent.query.rows import Row, Rows, Unseen, Value, Wanted
from guru_agent.query.virtual import Lacking, Module
from guru_policy.errors import DeadlinePassed, GuruError, InputInvalid
from guru_policy.query import BY_NAME
from guru_policy.query.hints import hint_for

HEAP = 64 << 20                         # bytes that SQLite may take
STEPS = 2_000                           # of SQLite's machine between two looks at the clock
_LIMITS = {
    apsw.SQLITE_LIMIT_LENGTH: 1 << 20,  # bytes of a text or a blob
    apsw.SQLITE_LIMIT_SQL_LENGTH: 64 << 10,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 100, apsw.SQLITE_LIMIT_COMPOUND_SELECT: 50, apsw.SQLITE_LIMIT_COLUMN: 200,
    apsw.SQLITE_LIMIT_ATTACHED: 0, apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000, apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_ALLOWED = {apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE}
_FORBIDDEN = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"}


class Limits(NamedTuple):
    """How far the query may go; in this process plain, in messages guru_wire.querying.QueryLimits."""

    rows: int
    bytes: int
    seconds: float


class Result(NamedTuple):
    """The columns of a query, and its rows as they come. Notes are sentences on what could not be seen."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Value, ...]]
    notes: list[str]


def run(sql: str, tables: dict[str, Rows], limits: Limits, *, root: str = "") -> Result:
    """Begin the query. Raises InputInvalid for SQL that is wrong or that does more than look.

    Reading the rows raises the same, DeadlinePassed when the time is over, GuruError when the memory is.
    """
    notes: list[str] = []
    ends = time.monotonic() + limits.seconds

    def over() -> bool:
        return time.monotonic() >= ends

    def tick() -> None:
        if over():
            raise apsw.InterruptError

    connection = apsw.Connection(":memory:")
    apsw.hard_heap_limit(HEAP)
    for limit, value in _LIMITS.items():
        connection.limit(limit, value)
    for name, rows in tables.items():
        module = Module(BY_NAME[name], _noting(rows, notes), root, tick)
        connection.create_module(
            name, module, use_bestindex_object=True, eponymous=True, eponymous_only=True, read_only=True)
    connection.authorizer = _only_looking
    connection.set_progress_handler(over, STEPS)
    return _begin(connection.cursor(), sql, limits, notes)


def _begin(cursor: apsw.Cursor, sql: str, limits: Limits, notes: list[str]) -> Result:
    statements: list[tuple[str, ...]] = []

    def seen(cursor: apsw.Cursor, _: str, __: object) -> bool:
        if not cursor.has_vdbe:
            return True                 # a comment
        if statements:
            raise InputInvalid("one query at a time", hint="take the second statement out")
        columns = tuple(column[0] for column in cursor.get_description())
        if not columns:
            raise InputInvalid("a query only looks", hint="write a SELECT")
        statements.append(columns)
        return True

    cursor.exec_trace = seen
    with _translated(sql, limits):
        cursor.execute(sql)
    if not statements:
        raise InputInvalid("there is no query", hint="such as: select name, pid from processes")

    def rows() -> Iterator[tuple[Value, ...]]:
        with _translated(sql, limits):
            for row in cursor:
                yield tuple(value.hex() if isinstance(value, bytes) else value for value in row)

    return Result(statements[0], rows(), notes)


def _only_looking(action: int, first: str | None, second: str | None, *_: object) -> int:
    """SQLite's authorizer: reading tables and calling harmless functions, no more."""
    if action not in _ALLOWED or (action == apsw.SQLITE_FUNCTION and second in _FORBIDDEN):
        return apsw.SQLITE_DENY
    return apsw.SQLITE_OK


def _noting(rows: Rows, notes: list[str]) -> Rows:
    """The same rows; what they say they cannot see becomes a note instead of an end."""
    def noted(wanted: Wanted) -> Iterator[Row]:
        try:
            yield from rows(wanted)
        except Unseen as cause:
            if str(cause) not in notes:
                notes.append(str(cause))
    return noted


@contextmanager
def _translated(sql: str, limits: Limits) -> Iterator[None]:
    """Turns what SQLite raises into the errors that people read."""
    try:
        yield
    except apsw.InterruptError as cause:
        raise DeadlinePassed(
            f"the query took longer than {limits.seconds:g} s", hint="ask for less, or give it more time"
        ) from cause
    except (apsw.NoMemError, apsw.TooBigError, MemoryError) as cause:
        raise GuruError("the query needs more memory than it may have", hint="ask for less at once") from cause
    except apsw.AuthError as cause:
        raise InputInvalid("a query only looks", hint="write a SELECT") from cause
    except Lacking as cause:
        raise InputInvalid(str(cause), hint="such as: where path glob '/etc/*.conf'") from cause
    except apsw.Error as cause:
        raise InputInvalid(str(cause).removeprefix("SQLError: "), hint=hint_for(str(cause), sql)) from cause
