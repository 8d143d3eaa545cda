"""The one MetaData that every subject's tables.py adds to; it never touches a database.

Every table has `tenant` first in its primary key. Times are BIGINT milliseconds UTC, names end in `_at`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, String

from guru_server.store.first import TENANT

__all__ = ["TENANT", "key", "metadata", "moment", "tenant"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def tenant() -> Column[str]:
    """The first column of every primary key."""
    return Column("tenant", String(64), primary_key=True)


def key(name: str, size: int = 64) -> Column[str]:
    """A text column of the primary key."""
    return Column(name, String(size), primary_key=True)


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    """A time in ms UTC."""
    return Column(name, BigInteger, nullable=nullable)
