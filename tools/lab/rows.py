"""A look into the first tenant's rows from outside, while a server runs or lies dead, and a hand that changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from guru_server.store.binding import bind
from guru_server.store.postgres import psycopg_url
from guru_server.store.schema import TENANT


def rows(url: str, query: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
    """What the query finds."""
    return _run(url, query, values or {})


def change(url: str, statement: str, values: Mapping[str, object] | None = None) -> None:
    """Change rows as somebody would who broke into the database."""
    _run(url, statement, values or {})


def _run(url: str, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
    engine = create_engine(url if url.startswith("sqlite") else psycopg_url(url), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            bind(connection, TENANT)
            done = connection.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else []
    finally:
        engine.dispose()
