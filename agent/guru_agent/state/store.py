"""agent.db, the agent's one database: opens it, sets a damaged one aside. It holds no identity and no key.

Whatever is in here can be lost without losing the device: the server sends the manifest again, and a new
spool counts from 1.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guru_agent.logs import say
from guru_policy.errors import GuruError, NotFound

LOG = logging.getLogger(__name__)
DATABASE = "agent.db"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spool(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, result INTEGER NOT NULL,
    same TEXT, subject TEXT, bytes INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS spool_by_result ON spool(result, seq);
CREATE INDEX IF NOT EXISTS spool_by_subject ON spool(subject) WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS doing(
    resource TEXT PRIMARY KEY, spec TEXT NOT NULL, change TEXT NOT NULL, steps TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS due(
    resource TEXT NOT NULL, cause TEXT NOT NULL, change TEXT NOT NULL,
    PRIMARY KEY(resource, cause)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled(resource TEXT PRIMARY KEY, spec TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS backoff(
    resource TEXT PRIMARY KEY, spec TEXT NOT NULL, failures INTEGER NOT NULL, tried_at INTEGER NOT NULL,
    message TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verdict(
    check_id TEXT PRIMARY KEY, spec TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run(
    job TEXT PRIMARY KEY, expires_at INTEGER NOT NULL, started_at INTEGER, ended INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schedule(
    name TEXT PRIMARY KEY, timing TEXT NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moving(job TEXT PRIMARY KEY, said TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scheduled(
    job TEXT PRIMARY KEY, expires_at INTEGER NOT NULL, started_at INTEGER NOT NULL, said TEXT NOT NULL) WITHOUT ROWID;
"""
_TABLES = ("fact", "spool", "doing", "due", "settled", "backoff", "verdict", "run", "schedule", "scheduled", "moving")
_CACHE_KB = 512
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


class StoreFull(GuruError):
    """The disk takes no more; nothing of what was being written is there."""


class StoreDamaged(GuruError):
    """The database cannot be read any more; it is to be set aside and made anew."""


class Store:
    """The open database. One thread only. Every write is inside `transaction()`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.sql = connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; within another it is a part of that one. Raises StoreFull and StoreDamaged."""
        if self.sql.in_transaction:
            yield self.sql
            return
        with translated():
            self.sql.execute("BEGIN IMMEDIATE")
            try:
                yield self.sql
                self.sql.execute("COMMIT")
            finally:
                self.sql.rollback()     # nothing to do after a commit

    def fact(self, name: str) -> str | None:
        """What was last kept under this name."""
        with translated():
            row = self.sql.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def keep(self, name: str, value: str) -> None:
        """Keep one small text under a name."""
        with self.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def belong_to(self, device: str) -> None:
        """Forget everything when it was another device's: one that enrolled anew reports nothing of the old."""
        owner = self.fact("device")
        if owner == device:
            return
        with self.transaction() as sql:
            for table in _TABLES if owner is not None else ():
                sql.execute(f"DELETE FROM {table}")              # noqa: S608 - our own names
            self.keep("device", device)

    def close(self) -> None:
        """Close it; the write-ahead log is folded in."""
        self.sql.close()


@contextmanager
def translated() -> Iterator[None]:
    """SQLite's errors in our words."""
    try:
        yield
    except sqlite3.OperationalError as cause:
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _FULL:
            hint = "make room on its disk"
            raise StoreFull(f"the state folder takes no more: {cause}", hint=hint) from cause
        raise
    except sqlite3.DatabaseError as cause:
        if isinstance(cause, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise
        raise StoreDamaged(f"agent.db is damaged: {cause}") from cause


def open_store(folder: Path, now: int) -> Store:
    """The store of this state folder, made when there is none; a damaged one is set aside first.

    `now` (ms UTC) names what was set aside.
    """
    path = folder / DATABASE
    try:
        return _open(path)
    except StoreDamaged as cause:
        aside = set_aside(path, now)
        say(LOG, "a damaged database was set aside", logging.ERROR, reason=cause.message, kept=aside.name)
        return _open(path)


def set_aside(path: Path, now: int) -> Path:
    """Rename a damaged database with its log files; returns the new name."""
    aside = path.with_name(f"{path.name}.damaged-{now}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    for old in sorted(path.parent.glob(f"{path.name}.damaged-*"))[:-3]:
        old.unlink()
    return aside


def open_for_reading(folder: Path) -> Store:
    """The store of an agent that may be running; NotFound when there is none yet."""
    path = folder / DATABASE
    if not path.exists():
        raise NotFound(f"no agent ever ran on {folder}", hint="start it with `guru-agent run`")
    with translated():
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        return Store(path, connection)


def _open(path: Path) -> Store:
    connection = sqlite3.connect(path, isolation_level=None, timeout=5)
    try:
        with translated():
            path.chmod(0o600)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            _check(connection)
            connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return Store(path, connection)


def _check(connection: sqlite3.Connection) -> None:
    """StoreDamaged when a page does not fit the others (PRAGMA quick_check)."""
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict is None or verdict[0] != "ok":
        raise StoreDamaged(f"agent.db is damaged: {verdict[0] if verdict else 'no answer'}")
