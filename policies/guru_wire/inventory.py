"""What an agent reports of its inventory and of its standing queries: what changed in a table since it last said so.

Times are ms UTC.
"""

from __future__ import annotations

from pydantic import Field

from guru_policy.model import Carried
from guru_wire.uplink import Whole

MAX_DELTA_ROWS = 10_000
Cell = str | int | float | None


class InventoryDelta(Carried):
    """Rows that came or changed, and keys of those that went (guru_policy.query.kept says what a key is).

    `basis` is the `digest` of the delta before; empty: these rows are all there is. Digests are 64 hex digits over the
    whole table as the agent sees it; the server only compares them.
    """

    table: str = Field(max_length=80)   # of a standing query: `query:NAME`, since LANGUAGE 11
    at: Whole
    basis: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    columns: tuple[str, ...] = Field(max_length=64)
    rows: tuple[tuple[Cell, ...], ...] = Field(default=(), max_length=MAX_DELTA_ROWS)
    cut: bool = False                   # the table has more rows than are told
    removed: tuple[str, ...] = Field(default=(), max_length=MAX_DELTA_ROWS)
    about: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")        # sha256 of a query's SQL
    snapshot: bool = False              # of a query without a history
    problem: str = Field(default="", max_length=300)    # why a query has no newer answer: the rows stay as they were
    gone: bool = False                  # the device has the query no more
