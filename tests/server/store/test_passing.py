"""A file of SQLite that cannot be read for a moment costs nobody an answer; one that stays so is told."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from guru_policy.errors import Unreachable
from guru_server.store.database import Database


def unreadable() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = 266, "SQLITE_IOERR_READ"
    return error


async def test_a_read_is_tried_once_more_and_a_write_that_ran_is_not(tmp_path: Path) -> None:
    db = Database.open(f"sqlite:///{tmp_path / 'one.db'}")
    times = {"once": 0, "always": 0, "write": 0}

    def read(name: str, fails: int) -> object:
        def work(connection: Connection) -> int:
            times[name] += 1
            if times[name] <= fails:
                raise unreadable()
            return int(connection.execute(text("SELECT 1")).scalar_one())

        return work

    assert await db.read(read("once", 1)) == 1              # type: ignore[arg-type]
    with pytest.raises(Unreachable, match="SQLITE_IOERR_READ"):
        await db.read(read("always", 9))                    # type: ignore[arg-type]
    with pytest.raises(Unreachable):
        await db.write(read("write", 9))                    # type: ignore[arg-type]
    await db.close()

    assert times == {"once": 2, "always": 2, "write": 1}
