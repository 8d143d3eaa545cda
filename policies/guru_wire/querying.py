"""What a live query is and what comes back, line by line. Frozen models, no logic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from guru_policy.model import Carried

MAX_SQL = 64 << 10                      # bytes
MAX_ROWS, MAX_BYTES, MAX_SECONDS = 100_000, 16 << 20, 600.0
Cell = str | int | float | None


class QueryLimits(Carried):
    """How far one device may go for one query; what is beyond is cut off, and said to be."""

    rows: int = Field(default=10_000, ge=1, le=MAX_ROWS)
    bytes: int = Field(default=4 << 20, ge=1024, le=MAX_BYTES)
    seconds: float = Field(default=30.0, gt=0, le=MAX_SECONDS)


class Query(Carried):
    """One SELECT over the tables of `guru_policy.query`."""

    sql: str = Field(min_length=1, max_length=MAX_SQL)
    limits: QueryLimits = QueryLimits()


class QueryColumns(Carried):
    """First: the names of the result's columns."""

    t: Literal["columns"] = "columns"
    columns: tuple[str, ...]


class QueryRows(Carried):
    """Then some rows, as often as it takes."""

    t: Literal["rows"] = "rows"
    rows: tuple[tuple[Cell, ...], ...]


class QueryEnd(Carried):
    """The end. `notes` are sentences on what could not be seen; `cut` says which limit ended the rows."""

    t: Literal["end"] = "end"
    count: int
    cut: Literal["", "rows", "bytes"] = ""
    notes: tuple[str, ...] = ()
    milliseconds: int = 0


class QueryFailed(Carried):
    """The end of a query that could not be answered; the code is a GuruError's."""

    t: Literal["failed"] = "failed"
    code: str
    message: str
    hint: str = ""


QueryPart = Annotated[QueryColumns | QueryRows | QueryEnd | QueryFailed, Field(discriminator="t")]
