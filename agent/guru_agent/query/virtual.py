"""Tables that SQLite reads as they are made, told which rows and columns a query wants. It knows no table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import apsw
import orjson

from guru_agent.query.rows import Given, Row, Rows, Value, Wanted
from guru_policy.query import Table

_TESTS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: "=", apsw.SQLITE_INDEX_CONSTRAINT_GLOB: "glob",
    apsw.SQLITE_INDEX_CONSTRAINT_LIKE: "like", apsw.SQLITE_INDEX_CONSTRAINT_GT: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_GE: ">=", apsw.SQLITE_INDEX_CONSTRAINT_LT: "<",
    apsw.SQLITE_INDEX_CONSTRAINT_LE: "<=",
}
FEW, MANY = 10.0, 1e6                   # costs for SQLite's planner: a table that is narrowed, and one that is not


class Lacking(Exception):
    """A query that does not say what a table needs to know."""


class Module:
    """One table for apsw; `Connect` is called when a query first names it."""

    def __init__(self, table: Table, rows: Rows, root: str, tick: Callable[[], None]) -> None:
        self._table, self._rows, self._root, self._tick = table, rows, root, tick

    def Connect(self, *_: object) -> tuple[str, Any]:       # noqa: N802 - the names are SQLite's
        """The table's declaration, and the table."""
        return self._table.create, _Virtual(self._table, self._rows, self._root, self._tick)

    Create = Connect

    def ShadowName(self, _: str) -> bool:       # noqa: N802
        """No table stands behind another."""
        return False


class _Virtual:
    def __init__(self, table: Table, rows: Rows, root: str, tick: Callable[[], None]) -> None:
        self._table, self._rows, self._root, self._tick = table, rows, root, tick

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:    # noqa: N802
        """Take what is given of the narrowed columns; tell the cursor in `idxStr`."""
        taken: list[tuple[str, str]] = []
        for i in range(info.nConstraint):
            test = _TESTS.get(info.get_aConstraint_op(i))
            number = info.get_aConstraint_iColumn(i)
            if test is None or number < 0 or not info.get_aConstraint_usable(i):
                continue
            name = self._table.columns[number].name
            if name in self._table.narrowed:
                taken.append((name, test))
                info.set_aConstraintUsage_argvIndex(i, len(taken))
        used = [self._table.columns[number].name for number in info.colUsed if number < len(self._table.columns)]
        info.idxStr = orjson.dumps({"given": taken, "used": used}).decode()
        info.estimatedCost = FEW if any(test == "=" for _, test in taken) else MANY
        if self._table.needs and not any(name in self._table.needs for name, _ in taken):
            info.estimatedCost = MANY * MANY        # another order of the tables may know it
        return True

    def Open(self) -> _Cursor:          # noqa: N802
        return _Cursor(self._table, self._rows, self._root, self._tick)

    def Disconnect(self) -> None:       # noqa: N802
        """Nothing is kept."""

    Destroy = Disconnect


class _Cursor:
    def __init__(self, table: Table, rows: Rows, root: str, tick: Callable[[], None]) -> None:
        self._table, self._make, self._root, self._tick = table, rows, root, tick
        self._rows: Iterator[Row] = iter(())
        self._row: Row | None = None
        self._number = 0

    def Filter(self, _: int, told: str, values: tuple[Value, ...]) -> None:     # noqa: N802
        plan = orjson.loads(told)
        given = tuple(Given(name, test, value) for (name, test), value in zip(plan["given"], values, strict=True))
        needs = self._table.needs
        if needs and not any(one.column in needs for one in given):
            raise Lacking(f"{self._table.name} needs to know {' or '.join(needs)}")
        self._rows = self._make(Wanted(frozenset(plan["used"]), given, self._root))
        self._number = -1
        self.Next()

    def Next(self) -> None:             # noqa: N802
        self._tick()
        self._row = next(self._rows, None)
        self._number += 1

    def Eof(self) -> bool:              # noqa: N802
        return self._row is None

    def Rowid(self) -> int:             # noqa: N802
        return self._number

    def Column(self, number: int) -> Value:     # noqa: N802
        if number < 0:
            return self._number
        return self._row.get(self._table.columns[number].name) if self._row is not None else None

    def Close(self) -> None:            # noqa: N802
        self._rows = iter(())
