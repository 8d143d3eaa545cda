"""The one way to the database: functions of a connection, run off the event loop; it knows no table.

    row = await db.read(lambda connection: device(connection, whose(connection), id))
    await db.write(lambda connection: revoke(connection, whose(connection), id, now))

A handle is one tenant's, and so is every transaction that it opens. Each function is one transaction. On
PostgreSQL a function given to `write` may run again after a deadlock or serialisation failure, so it changes
nothing but the database. Never await, publish or sleep inside one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy import Connection, TextClause
from sqlalchemy.sql.compiler import SQLCompiler

from guru_policy.errors import InputInvalid, Unreachable
from guru_server.store.binding import bound
from guru_server.store.schema import TENANT
from guru_server.store.within import WITHIN

ResultT = TypeVar("ResultT")
Dialect = Literal["sqlite", "postgresql"]
QUEUE = 4096                            # writes and reads that may wait; more callers wait for their place


class Engines(Protocol):
    """What a kind of database does: run a function in a transaction, in a thread of its own."""

    dialect: Dialect

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT: ...
    async def write(self, work: Callable[[Connection], ResultT]) -> ResultT: ...
    def close(self) -> None: ...


class Database:
    """A SQLite file or a PostgreSQL database behind the same two calls."""

    def __init__(self, engines: Engines, url: str, tenant: str = TENANT) -> None:
        self._engines = engines
        self._room = asyncio.Semaphore(QUEUE)
        self.dialect: Dialect = engines.dialect
        self.url, self.tenant = url, tenant
        self._under_way, self._over = 0, asyncio.Event()
        self._shut = False

    def of(self, tenant: str) -> Database:
        """The same database for another tenant; it has its own queue, and is closed by whoever opened the first."""
        return Database(self._engines, self.url, tenant)

    @staticmethod
    def open(url: str) -> Database:
        """The first tenant's handle on `url` (sqlite:///path or postgresql://...); connects with the first call.

        InputInvalid for any other kind of URL.
        """
        if url.startswith("sqlite:///"):
            from guru_server.store.sqlite import SqliteEngines

            return Database(SqliteEngines(url.removeprefix("sqlite:///")), url)
        if url.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
            from guru_server.store.postgres import PostgresEngines

            return Database(PostgresEngines(url), url)
        kind = url.split(":", 1)[0][:20]
        raise InputInvalid(
            f"a database of the kind {kind!r} cannot be used",
            hint="give sqlite:////path/to/file.db or postgresql://user@host/name",
        )

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """What `work` returns, in a transaction that changes nothing and sees one moment's data.

        Raises what `work` raises; Unreachable when the database is away.
        """
        async with self._entered():
            return await self._engines.read(bound(self.tenant, work))

    async def write(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """What `work` returns, after its transaction is committed; nothing of it stays when it raises.

        Conflict for a broken uniqueness or reference, Unreachable when the database is away.
        """
        within = WITHIN.get()
        async with self._entered():
            if within is None:
                return await self._engines.write(bound(self.tenant, work))
            found = await self._engines.write(bound(self.tenant, within.around(work)))
            within.committed()
            return found

    async def shut(self) -> None:
        """Begin nothing more by this handle, and return when what was begun is over. Others of the database go on."""
        self._shut = True
        while self._under_way:
            self._over.clear()
            await self._over.wait()

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[None]:
        """A place among those that are under way; Unreachable once the handle is shut."""
        async with self._room:
            if self._shut:
                raise Unreachable("this tenant is not served any more")
            self._under_way += 1
            try:
                yield
            finally:
                self._under_way -= 1
                self._over.set()

    @staticmethod
    def raw(connection: Connection) -> Any:
        """The driver's own connection (sqlite3 or psycopg), for hand-written SQL on the hot path."""
        return connection.connection.dbapi_connection

    @staticmethod
    def many(connection: Connection, statement: TextClause, rows: Sequence[Mapping[str, str | int | None]]) -> None:
        """Execute a statement for each of many rows by the driver's own means.

        SQLAlchemy looks at every parameter of every row: 11 us a row, as much as SQLite takes to write it.
        """
        compiled = statement.compile(dialect=connection.dialect)
        names = compiled.positiontup if isinstance(compiled, SQLCompiler) and compiled.positional else None
        if names is None:
            connection.exec_driver_sql(str(compiled), list(rows))
        else:
            connection.exec_driver_sql(str(compiled), [tuple([row[name] for name in names]) for row in rows])

    async def close(self) -> None:
        """Finish what was asked for, then let go of every connection."""
        await asyncio.to_thread(self._engines.close)
