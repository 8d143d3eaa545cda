"""Removes every row of one tenant, some thousand at a time. It asks nobody, and can be begun again where it ended."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Table, delete, func, select, tuple_

from guru_server.audit.protecting import unguarded
from guru_server.audit.tables import audit, audit_checkpoint, audit_head
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_server.tenants.tables import tenants

AT_ONCE = 5_000                         # rows in one transaction, so that other tenants' writes go on meanwhile
GUARDED = (audit, audit_checkpoint, audit_head)


async def delete_rows(db: Database, tables: Iterable[Table]) -> dict[str, int]:
    """Remove them; how many of each table. `db` is the tenant's handle, and its row in the list of tenants goes last.

    The audit log needs whoever owns the tables, as migrations do: else Unreachable, and everything else is gone.
    """
    counted: dict[str, int] = {}
    if db.dialect == "sqlite":          # overwrite what is deleted: the file keeps its pages
        await db.write(lambda connection: connection.exec_driver_sql("PRAGMA secure_delete=ON").close())
    for table in tables:
        if table in (*GUARDED, tenants):
            continue
        gone = AT_ONCE
        while gone == AT_ONCE:
            gone = await db.write(lambda connection, of=table: _some(connection, of))  # type: ignore[misc]
            counted[table.name] = counted.get(table.name, 0) + gone
    counted |= await db.write(_guarded)
    counted[tenants.name] = await db.write(lambda connection: _all(connection, tenants))
    return counted


def left(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    """Rows of the connection's tenant, by table; only tables that have some."""
    found = {
        table.name: int(connection.execute(
            select(func.count()).select_from(table).where(table.c.tenant == whose(connection))).scalar_one())
        for table in tables
    }
    return {name: count for name, count in found.items() if count}


def _some(connection: Connection, table: Table) -> int:
    mine = table.c.tenant == whose(connection)
    key = tuple_(*table.primary_key)
    chosen = select(*table.primary_key).where(mine).limit(AT_ONCE)
    return connection.execute(delete(table).where(mine, key.in_(chosen))).rowcount


def _guarded(connection: Connection) -> dict[str, int]:
    with unguarded(connection):
        return {table.name: _all(connection, table) for table in GUARDED}


def _all(connection: Connection, table: Table) -> int:
    return connection.execute(delete(table).where(table.c.tenant == whose(connection))).rowcount
