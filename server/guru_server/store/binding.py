"""Whose data a connection is for: said once for each transaction by the handle that opened it. It reads no table.

On PostgreSQL the same is told to the database, whose row-level security then shows and takes no other rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

ResultT = TypeVar("ResultT")
SETTING = "guru.tenant"                 # of a PostgreSQL transaction; the policies of wall.py compare with it
LANDLORD = "*"                          # no tenant's name: sees the list of tenants, and no row of theirs
_PLACE = "guru.tenant"                  # in Connection.info


def whose(connection: Connection) -> str:
    """The tenant that this transaction is for; LookupError on a connection that no handle opened."""
    return str(connection.info[_PLACE])


def bind(connection: Connection, tenant: str) -> None:
    """Say whose data the transaction that runs on this connection is for."""
    connection.info[_PLACE] = tenant
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (SETTING, tenant))


def bound(tenant: str, work: Callable[[Connection], ResultT]) -> Callable[[Connection], ResultT]:
    """`work` in a transaction that is this tenant's."""
    def within(connection: Connection) -> ResultT:
        bind(connection, tenant)
        return work(connection)

    return within
