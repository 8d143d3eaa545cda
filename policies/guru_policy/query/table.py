"""What a table is: its columns with their types and meanings. It holds no rows."""

from __future__ import annotations

from typing import Literal, NamedTuple

from guru_policy.host import Platform

ColumnType = Literal["text", "integer", "real"]
EVERYWHERE: tuple[Platform, ...] = ("linux", "macos", "windows")
LINUX: tuple[Platform, ...] = ("linux",)


class Column(NamedTuple):
    """A column; `about` says what it holds, with its unit."""

    name: str
    type: ColumnType
    about: str


class Table(NamedTuple):
    """A table. Names of tables and columns are osquery's where it has the same thing.

    `narrowed` are columns whose `=` (also `IN`, `GLOB` and `LIKE` where the rows can use them) is handed to whoever
    makes the rows, so that only these are made. `needs` are those of which a query has to give one.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    platforms: tuple[Platform, ...] = LINUX
    narrowed: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def create(self) -> str:
        """The SQL that would make it, as `.schema` shows and SQLite wants to hear it."""
        columns = ", ".join(f"{column.name} {column.type.upper()}" for column in self.columns)
        return f"CREATE TABLE {self.name} ({columns})"


def text(name: str, about: str) -> Column:
    """A column of text."""
    return Column(name, "text", about)


def integer(name: str, about: str) -> Column:
    """A column of whole numbers; claims are 1 and 0."""
    return Column(name, "integer", about)


def real(name: str, about: str) -> Column:
    """A column of numbers."""
    return Column(name, "real", about)
