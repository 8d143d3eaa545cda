"""A row in every table for a tenant, made from the tables' own description: whoever adds a table need not come here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Float, Integer, LargeBinary, select

from guru_server.store.binding import whose
from guru_server.tables import metadata


def fill(connection: Connection) -> None:
    """One row of the connection's tenant in each table; its texts say whose it is."""
    for table in metadata.sorted_tables:
        row = {column.name: _value(column, whose(connection)) for column in table.columns}
        if table.name == "audit_head":
            row["seq"] = row["root"] = 0    # where its guards let one begin
        if table.name == "tenant":
            row |= {"state": "active", "quotas": "{}"}
        connection.execute(table.insert().values(**row))


def everything(connection: Connection) -> dict[str, list[str]]:
    """What the connection sees of each table, without a predicate of its own."""
    return {
        name: sorted(str(tuple(row)) for row in connection.execute(select(table)))
        for name, table in metadata.tables.items()
    }


def _value(column: Column[Any], tenant: str) -> Any:
    if column.name == "tenant":
        return tenant
    for kind, value in ((Boolean, True), (BigInteger, 1), (Integer, 1), (Float, 1.0), (LargeBinary, tenant.encode())):
        if isinstance(column.type, kind):
            return value
    return f"of {tenant}"[:getattr(column.type, "length", None) or 40]
