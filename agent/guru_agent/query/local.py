"""`guru-agent query`: a query answered here, for the person at this device. It sends nothing anywhere."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import orjson
from pydantic import ValidationError

from guru_agent.logs import plain
from guru_agent.query.asking import ask
from guru_policy.errors import DeadlinePassed, GuruError, InputInvalid
from guru_policy.query import TABLES
from guru_wire.querying import MAX_SQL, Query, QueryLimits

WIDEST = 60                             # characters of a cell in a table


def show(sql: str, output: str, limits: QueryLimits, root: Path | None) -> int:
    """Run the query and print its rows; sentences on what could not be seen go to standard error.

    The exit code is 0, and 6 when a limit cut rows off.
    """
    try:
        query = Query(sql=sql, limits=limits)
    except ValidationError:
        raise InputInvalid(
            f"a query has 1 to {MAX_SQL} characters", hint="such as: select name, pid from processes"
        ) from None
    columns, rows, end = asyncio.run(_asked(query, root))
    if output == "json":
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps({"apiVersion": "guru/v1", "rows": found, "cut": end["cut"],
                                     "notes": end["notes"]}, indent=2) + "\n")
    else:
        for line in _table(columns, rows, wide=not sys.stdout.isatty()):
            sys.stdout.write(line + "\n")
        for note in end["notes"]:
            sys.stderr.write(f"note: {plain(note)}\n")
        if end["cut"]:
            sys.stderr.write(f"note: there are more rows: the limit of {end['cut']} cut them off\n")
    return 6 if end["cut"] else 0


def tables(name: str | None) -> int:
    """Every table with its meaning, or one with its columns."""
    for table in TABLES:
        if name is None:
            sys.stdout.write(f"{table.name:<16} {table.about}\n")
        elif table.name == name:
            sys.stdout.write(f"{table.create};\n")
            for column in table.columns:
                sys.stdout.write(f"  {column.name:<18} {column.type:<8} {column.about}\n")
    return 0


async def _asked(query: Query, root: Path | None) -> tuple[list[str], list[list[object]], dict[str, list[str]]]:
    columns: list[str] = []
    rows: list[list[object]] = []
    async for line in ask(query, root):
        part = orjson.loads(line)
        match part["t"]:
            case "columns":
                columns = part["columns"]
            case "rows":
                rows += part["rows"]
            case "end":
                return columns, rows, part
            case _:
                kinds = {kind.code: kind for kind in (InputInvalid, DeadlinePassed)}
                raise kinds.get(part["code"], GuruError)(part["message"], hint=part["hint"])
    raise GuruError("the query was not answered to its end")


def _table(columns: list[str], rows: list[list[object]], *, wide: bool) -> list[str]:
    """Aligned for a terminal; whole and separated by tabs for a pipe."""
    cells = [columns, *([_cell(value) for value in row] for row in rows)]
    if wide:
        return ["\t".join(row) for row in cells]
    widths = [min(WIDEST, max(len(row[i]) for row in cells)) for i in range(len(columns))]
    return ["  ".join(_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells]


def _cell(value: object) -> str:
    return "" if value is None else plain(str(value))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
