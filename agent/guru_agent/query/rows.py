"""What makes a table's rows is given, and what it may say. It runs no SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

Value = str | int | float | None
Row = Mapping[str, Value]


class Unseen(Exception):
    """Why rows are missing, a sentence for people: a program that is not there, a right that is lacking."""


class Given(NamedTuple):
    """`column test value`, which the rows asked for must hold; test is = > >= < <= glob like."""

    column: str
    test: str
    value: Value


class Wanted(NamedTuple):
    """What a query can use of a table. More may be given: SQLite looks at every row again."""

    columns: frozenset[str]
    given: tuple[Given, ...] = ()
    root: str = ""                      # a sandbox in front of every path

    def equal(self, column: str) -> Value:
        """The value that the column must have; None when the query does not say."""
        return next((one.value for one in self.given if one.column == column and one.test == "="), None)

    def least(self, column: str) -> float | None:
        """The least value that the column may have."""
        return max((float(one.value) for one in self.given
                    if one.column == column and one.test in (">", ">=", "=") and isinstance(one.value, int | float)),
                   default=None)

    def pattern(self, column: str) -> str | None:
        """The column's value as a shell pattern, from `=`, GLOB or LIKE."""
        for one in self.given:
            if one.column == column and isinstance(one.value, str):
                if one.test == "=":
                    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in one.value)
                if one.test == "glob":
                    return one.value
                if one.test == "like":
                    return one.value.replace("*", "[*]").replace("%", "*").replace("_", "?")
        return None

    def any_of(self, *columns: str) -> bool:
        """Whether one of these columns is read."""
        return not self.columns.isdisjoint(columns)


Rows = Callable[[Wanted], Iterator[Row]]


def fits(pattern: str, text: str) -> bool:
    """Whether a shell pattern is the text."""
    return fnmatchcase(text, pattern)
