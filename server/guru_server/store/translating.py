"""Turns the drivers' errors into GuruErrors; an error that means a fault in our own code stays as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from guru_policy.errors import Conflict, GuruError, InputInvalid, Unreachable

# SQLite primary result codes that tell of the machine, not of the statement (https://sqlite.org/rescode.html):
# PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB
_SQLITE_AWAY = frozenset({3, 5, 6, 7, 8, 10, 11, 13, 14, 15, 26})
# PostgreSQL SQLSTATEs that tell the same: 08 connection, 25 read-only, 40 rolled back, 42501 no right, 42P01 and
# 42703 tables not as expected, 53 out of resources, 55 locked, 57 operator intervention, 58 and XX system errors
_POSTGRES_AWAY = ("08", "25", "40", "42501", "42P01", "42703", "53", "55", "57", "58", "XX")
_POSTGRES_AGAIN = ("40001", "40P01")    # serialization_failure, deadlock_detected


@contextmanager
def translated() -> Iterator[None]:
    """Raise GuruErrors in place of what the driver raises inside."""
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error) as cause:
        raised = translate(cause)
        if raised is None:
            raise
        raise raised from cause


def translate(cause: DBAPIError | PoolTimeout | sqlite3.Error) -> GuruError | None:
    """The GuruError for a driver's error; None when it is a fault in a statement of ours."""
    if isinstance(cause, PoolTimeout):
        return Unreachable("the database has no free connection", hint="look at what holds them so long")
    if isinstance(cause, IntegrityError):
        return Conflict(f"the database refused the change: {_reason(cause)}")
    if isinstance(cause, DataError):
        return InputInvalid(f"the database cannot hold a value: {_reason(cause)}")
    if away(cause):
        return Unreachable(
            f"the database does not answer: {_reason(cause)}",
            hint="look at the database server, the disk, and at `guru doctor`",
        )
    return None


def away(cause: DBAPIError | sqlite3.Error) -> bool:
    """Whether the database or its disk is at fault rather than the statement or its values."""
    origin = cause.orig if isinstance(cause, DBAPIError) else cause
    if isinstance(origin, sqlite3.Error) or not isinstance(cause, DBAPIError):
        code = getattr(origin, "sqlite_errorcode", None)
        return code is not None and (code & 0xFF) in _SQLITE_AWAY
    state = getattr(origin, "sqlstate", None)
    if state is None:
        return cause.connection_invalidated or isinstance(cause, (OperationalError, InterfaceError))
    return cause.connection_invalidated or state.startswith(_POSTGRES_AWAY)


def again(cause: DBAPIError) -> bool:
    """Whether the same transaction may well succeed when it is tried again."""
    return getattr(cause.orig, "sqlstate", None) in _POSTGRES_AGAIN


def _reason(cause: DBAPIError | sqlite3.Error) -> str:
    origin = cause.orig if isinstance(cause, DBAPIError) else cause
    lines = str(origin).strip().splitlines() or [type(origin).__name__]
    return lines[0][:200]
