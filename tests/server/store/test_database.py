"""The database: the same behaviour on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from traceback import format_exception

import pytest
from sqlalchemy import Connection, func, select, text

from guru_policy.errors import Conflict, InputInvalid, Refused, Unreachable
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_server.store.tables import lease


def put(connection: Connection, name: str) -> str:
    connection.execute(lease.insert().values(tenant=TENANT, name=name, owner="", fence=1, beats=0))
    return name


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(lease.c.name)).scalars())


async def test_what_was_written_is_read(db: Database) -> None:
    assert await db.write(lambda connection: put(connection, "a")) == "a"

    assert await db.read(names) == {"a"}


async def test_a_statement_for_many_rows_takes_each_by_name_and_breaks_as_any_other(db: Database) -> None:
    statement = text("INSERT INTO lease (owner, tenant, name, fence, beats) VALUES ('', :tenant, :name, :fence, 0)")
    rows = [{"name": f"n{at}", "fence": at, "tenant": TENANT, "unused": None} for at in range(20)]
    await db.write(lambda connection: Database.many(connection, statement, rows))

    assert await db.read(names) == {f"n{at}" for at in range(20)}
    with pytest.raises(Conflict):
        await db.write(lambda connection: Database.many(connection, statement, rows[:1]))


async def test_a_function_that_fails_is_undone_alone_and_its_neighbours_stay(db: Database) -> None:
    def failing(connection: Connection) -> None:
        put(connection, "half")
        raise Refused("no")

    jobs = [db.write(lambda connection, at=at: put(connection, f"n{at}")) for at in range(20)]
    results = await asyncio.gather(*jobs[:10], db.write(failing), *jobs[10:], return_exceptions=True)

    assert isinstance(results[10], Refused)
    assert await db.read(names) == {f"n{at}" for at in range(20)}


async def test_a_broken_uniqueness_is_a_conflict(db: Database) -> None:
    await db.write(lambda connection: put(connection, "a"))

    with pytest.raises(Conflict):
        await db.write(lambda connection: put(connection, "a"))


async def test_a_value_that_no_column_holds_is_bad_input(postgres_db: Database) -> None:
    with pytest.raises(InputInvalid):
        await postgres_db.write(lambda connection: put(connection, "nul\0"))


async def test_a_full_disk_is_the_same_whoever_asked_the_driver(tmp_path: Path) -> None:
    db = Database.open(f"sqlite:///{tmp_path / 'full.db'}")

    def fill(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.execute("CREATE TABLE t (data BLOB)")
        cursor.execute("PRAGMA max_page_count=10")
        cursor.execute("INSERT INTO t VALUES (zeroblob(1000000))")

    with pytest.raises(Unreachable, match="full"):
        await db.write(fill)
    await db.close()


async def test_what_was_to_be_stored_is_never_in_an_error(db: Database) -> None:
    secret = "hunter" * 2               # built, so that the quoted line of code does not hold it

    def failing(connection: Connection) -> None:
        connection.execute(text("INSERT INTO no_such_table VALUES (:secret)"), {"secret": secret})

    with pytest.raises(Exception, match="no_such_table") as caught:
        await db.write(failing)

    assert secret not in "".join(format_exception(caught.value))


async def test_reading_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await db.read(lambda connection: put(connection, "a"))

    assert await db.read(names) == set()


async def test_functions_never_run_on_the_event_loop(db: Database) -> None:
    here = threading.get_ident()

    assert await db.read(lambda _: threading.get_ident()) != here
    assert await db.write(lambda _: threading.get_ident()) != here


async def test_closing_finishes_what_was_asked_for(database_url: str) -> None:
    db = Database.open(database_url)
    jobs = [asyncio.ensure_future(db.write(lambda c, at=at: put(c, str(at)))) for at in range(50)]
    await asyncio.sleep(0)
    await db.close()
    await asyncio.gather(*jobs)

    again = Database.open(database_url)
    count = await again.read(lambda c: c.execute(select(func.count()).select_from(lease)).scalar())
    await again.close()
    assert count == 50


async def test_a_cancelled_write_does_not_stop_the_writer(db: Database) -> None:
    task = asyncio.ensure_future(db.write(lambda connection: put(connection, "cancelled")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await db.write(lambda connection: put(connection, "after")) == "after"


async def test_increments_from_many_tasks_are_all_counted(db: Database) -> None:
    await db.write(lambda connection: put(connection, "n"))
    change = lease.update().where(lease.c.name == "n").values(beats=lease.c.beats + 1)
    await asyncio.gather(*(db.write(lambda c: c.execute(change).rowcount) for _ in range(100)))

    assert await db.read(lambda connection: connection.execute(select(lease.c.beats)).scalar()) == 100


def test_another_kind_of_database_is_refused_without_its_password() -> None:
    with pytest.raises(InputInvalid) as caught:
        Database.open("mysql://me:hunter2@host/x")

    assert "hunter2" not in caught.value.message
