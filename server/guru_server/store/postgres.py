"""PostgreSQL: a bounded pool, and transactions that are tried again when the database asks for it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from guru_policy.errors import InputInvalid
from guru_server.store.database import Dialect
from guru_server.store.translating import again, translated

ResultT = TypeVar("ResultT")
READERS, WRITERS = 5, 5
TRIES = 6
OPTIONS = "-c statement_timeout=120s -c lock_timeout=30s -c idle_in_transaction_session_timeout=60s"


class PostgresEngines:
    """Threads for reads and for writes, over one pool."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            psycopg_url(url), pool_size=READERS + WRITERS, max_overflow=0, pool_timeout=30,
            pool_pre_ping=True, pool_recycle=1800, hide_parameters=True,
            connect_args={"connect_timeout": 5, "options": OPTIONS},
        )
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="guru-read")
        self._writing = ThreadPoolExecutor(WRITERS, thread_name_prefix="guru-write")

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work` in a read-only transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, work)

    async def write(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work` in a transaction, again after a deadlock."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._write, work)

    def close(self) -> None:
        """Finish what runs, then close every connection."""
        self._writing.shutdown()
        self._reading.shutdown()
        self._engine.dispose()

    def _read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        with translated(), self._engine.connect() as connection:
            reader = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            with reader.begin():
                return work(reader)

    def _write(self, work: Callable[[Connection], ResultT]) -> ResultT:
        with translated():
            for attempt in range(1, TRIES):
                try:
                    return self._once(work)
                except DBAPIError as cause:
                    if not again(cause):
                        raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))     # noqa: S311 - spreads load, hides nothing
            return self._once(work)

    def _once(self, work: Callable[[Connection], ResultT]) -> ResultT:
        with self._engine.begin() as connection:
            return work(connection)


def psycopg_url(url: str) -> str:
    """The URL with the driver named; InputInvalid, without the password, when it cannot be read."""
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError) as cause:
        raise InputInvalid(
            "the database URL cannot be read", hint="it looks like postgresql://user@host:5432/name"
        ) from cause
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
