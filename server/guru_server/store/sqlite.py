"""SQLite: one writer thread that commits in groups, and a few readers; it never writes from two threads.

Write-ahead log with synchronous=NORMAL: what was acknowledged survives a kill -9 of the process, because the
log is in the kernel's page cache by then. A power cut may take the last moments, never the database's
consistency (https://sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from guru_policy.errors import GuruError, Unreachable
from guru_server.store.database import Dialect
from guru_server.store.translating import translate, translated

ResultT = TypeVar("ResultT")
READERS = 4
GROUP = 128                             # functions committed together at most
BUSY_MS = 10_000


class Job(NamedTuple):
    """A function waiting for the writer, and where its result goes."""

    work: Callable[[Connection], Any]
    done: Future[Any]


class SqliteEngines:
    """The readers' pool and the writer's thread over one file."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str) -> None:
        self._writer = engine(path, begin="BEGIN IMMEDIATE", cache_kb=65_536, pool=1)
        self._readers = engine(path, begin="BEGIN", cache_kb=16_384, pool=READERS, read_only=True)
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="guru-read")
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()     # bounded by Database
        self._thread: threading.Thread | None = None
        self._closed = False

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work` on a reader."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, work)

    async def write(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work` on the writer, in the group that is committed next."""
        if self._closed:
            raise Unreachable("the database was closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="guru-write", daemon=True)
            self._thread.start()
        done: Future[ResultT] = Future()
        self._jobs.put(Job(work, done))
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Commit what waits, then close every connection."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
        self._reading.shutdown()
        self._readers.dispose()
        self._writer.dispose()

    def _read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        with translated(), self._readers.connect() as connection, connection.begin():
            return work(connection)

    def _write(self) -> None:
        while True:
            group = self._next_group()
            if group is None:
                return
            live = [job for job in group if job.done.set_running_or_notify_cancel()]
            if live:
                _commit(self._writer, live)

    def _next_group(self) -> list[Job] | None:
        first = self._jobs.get()
        if first is None:
            return None
        group = [first]
        while len(group) < GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            group.append(job)
        return group


def _commit(writer: Engine, group: list[Job]) -> None:
    """Run a group in one transaction, then tell the callers; a function that fails is undone alone."""
    outcomes: list[tuple[Job, Any, Exception | None]] = []
    try:
        with writer.connect() as connection, connection.begin():
            outcomes.extend((job, *_run(connection, job)) for job in group)
    except Exception as cause:  # noqa: BLE001 - the whole transaction is gone, and everybody in it hears why
        outcomes = [(job, None, cause) for job in group]
    for job, result, failure in outcomes:
        if failure is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(_told(failure))


def _run(connection: Connection, job: Job) -> tuple[Any, Exception | None]:
    """What the function returned or raised; raises only when SQLite gave up the whole transaction."""
    driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    driver.execute("SAVEPOINT job")
    try:
        result = job.work(connection)
    except Exception as cause:          # whatever it is belongs to the caller of this function
        if not driver.in_transaction:
            raise
        driver.execute("ROLLBACK TO job")
        driver.execute("RELEASE job")
        return None, cause
    driver.execute("RELEASE job")
    return result, None


def _told(failure: Exception) -> Exception:
    """The failure as the caller sees it, with the driver's error as its cause."""
    if isinstance(failure, DBAPIError | sqlite3.Error):
        raised: GuruError | None = translate(failure)
        if raised is not None:
            raised.__cause__ = failure
            return raised
    return failure


def engine(path: str, *, begin: str, cache_kb: int, pool: int, read_only: bool = False) -> Engine:
    """An engine whose transactions open with `begin`; the driver's own transaction handling is off.

    See https://docs.sqlalchemy.org/en/21/dialects/sqlite.html on serialisable isolation and savepoints.
    """
    made = create_engine(
        f"sqlite:///{path}", poolclass=QueuePool, pool_size=pool, max_overflow=0, hide_parameters=True,
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False, "isolation_level": None},
    )

    def connected(dbapi: Any, _record: object) -> None:
        dbapi.execute("PRAGMA journal_mode=WAL")
        dbapi.execute("PRAGMA synchronous=NORMAL")
        dbapi.execute("PRAGMA foreign_keys=ON")
        dbapi.execute("PRAGMA temp_store=MEMORY")
        dbapi.execute(f"PRAGMA cache_size=-{cache_kb}")
        dbapi.execute("PRAGMA journal_size_limit=67108864")
        if read_only:
            dbapi.execute("PRAGMA query_only=ON")

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(made, "connect", connected)
    event.listen(made, "begin", begun)
    return made
