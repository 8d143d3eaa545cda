"""SQL on this side: is the query one, totals over all answers, a snapshot as a file. It asks no device."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from guru_policy.errors import Conflict, GuruError, InputInvalid
from guru_policy.query import TABLES
from guru_policy.query.hints import hint_for
from gurucli.query_rows import OWN, Gathered
from gurucli.sheet import Row

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_NAME = re.compile(r"[\w@./-]+")         # such as web01 or acme/hq/web01


def check(sql: str) -> None:
    """InputInvalid for what SQLite cannot read or what would not only look, before any device is asked."""
    if _NAME.fullmatch(sql.strip()):
        raise InputInvalid(f"`{sql.strip()}` is a name and no SQL", hint="the query comes first, then the device")
    with closing(sqlite3.connect(":memory:")) as connection:
        for table in TABLES:
            connection.execute(table.create)
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
        with _readable(sql):
            connection.execute(f"explain {sql}")        # nothing of it runs


def reduced(found: Gathered, sql: str) -> Gathered:
    """What the query over the table `rows` (device, customer, site and the columns of the answers) gives."""
    with closing(sqlite3.connect(":memory:")) as connection:
        _fill(connection, found)
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
        with _readable(sql):
            cursor = connection.execute(sql)
            if cursor.description is None:
                raise InputInvalid("--reduce only looks", hint="such as: select count(*) as n from rows")
            columns = [column[0] for column in cursor.description]
            rows: list[Row] = [dict(zip(columns, row, strict=True)) for row in cursor]
    return Gathered(columns, rows, found.notes, found.missing, found.cut, found.answered, found.job, own=False)


def snapshot(path: Path, sql: str, found: Gathered) -> None:
    """A new SQLite file with the tables `rows`, `missing` and `query`. Conflict when there is one already."""
    if path.exists():
        raise Conflict(f"{path} exists already", hint="take another name, or remove it first")
    try:
        with closing(sqlite3.connect(path)) as connection:
            _fill(connection, found)
            connection.execute("create table missing (device, customer, site, state, reason)")
            connection.executemany("insert into missing values (?, ?, ?, ?, ?)", [
                (run["name"], run["customer"], run["site"], run["state"], run["reason"]) for run in found.missing])
            connection.execute("create table query (sql, asked_at)")
            connection.execute("insert into query values (?, ?)", (sql, found.job["created_at"] if found.job else None))
            connection.commit()
    except (sqlite3.Error, OSError) as cause:
        raise GuruError(f"{path} cannot be written: {cause}") from cause


def _fill(connection: sqlite3.Connection, found: Gathered) -> None:
    names = [*OWN, *found.columns]
    listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    connection.execute(f"create table rows ({listed})")
    marks = ", ".join("?" * len(names))
    connection.executemany(
        f"insert into rows values ({marks})", ([row.get(name) for name in names] for row in found.rows))  # noqa: S608


@contextmanager
def _readable(sql: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Warning as cause:
        raise InputInvalid("one query at a time", hint="take the second statement out") from cause
    except sqlite3.ProgrammingError as cause:
        raise InputInvalid("one query at a time", hint="take the second statement out") from cause
    except sqlite3.Error as cause:
        if "not authorized" in str(cause):
            raise InputInvalid("a query only looks", hint="such as: select name, version from os") from cause
        raise InputInvalid(str(cause), hint=hint_for(str(cause), sql)) from cause
