"""Brings a database's tables to what this program expects; one process at a time, and never backwards."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool

from guru_policy.errors import GuruError, Refused
from guru_server.store.postgres import psycopg_url
from guru_server.store.translating import translated
from guru_server.store.wall import lower_wall, raise_wall

HEAD = "0025_transfers"                # the newest file in migrations/versions
SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 7_105_114_117                   # pg_advisory_lock: any number that nobody else uses here


def migrate(url: str) -> list[str]:
    """Bring the database to HEAD; the revisions it had before and now.

    Refused when the database was made by a newer program; Unreachable when it is away.
    """
    with translated(), _exclusively(url) as connection:
        before = version(connection)
        if before != HEAD:
            lower_wall(connection)
            _upgrade(connection, before)
        raise_wall(connection)
        return [before, HEAD]


def version(connection: Connection) -> str:
    """The database's revision; empty for a database without tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _upgrade(connection: Connection, before: str) -> None:
    # Imported late: a running server never needs these 10 MB.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory(str(SCRIPTS)).walk_revisions()}
    if before and before not in known:
        raise Refused(
            f"the database has the version {before[:40]}, which this guru-server does not know",
            hint="it was used by a newer guru-server: install that one, or restore a backup",
        )
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _exclusively(url: str) -> Iterator[Connection]:
    """A connection in a transaction that no other migration shares."""
    if not url.startswith("sqlite:///"):
        engine = create_engine(psycopg_url(url), poolclass=NullPool, connect_args={"connect_timeout": 5})
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield connection
        return
    path = Path(url.removeprefix("sqlite:///"))
    engine = create_engine(url, poolclass=NullPool, connect_args={"isolation_level": None})
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with path.with_name(f"{path.name}.migrating").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with engine.begin() as connection:
                yield connection
    except OSError as cause:
        raise GuruError(f"{path} cannot be made: {cause.strerror}", hint="look at --data") from cause
