"""What the API tells of standing queries: which are in force, the rows that are kept, what came and went.

Times are ms UTC.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guru_policy.model import Carried
from guru_wire.inventory import Cell
from guru_wire.operator import Answer


class SavedQuery(Carried):
    """A Query in force. `every` is in seconds."""

    name: str
    scope: str
    sql: str
    every: int
    results: str
    selector: str
    revision: str


class QueryHolder(Carried):
    """A device that told its answer, and when it last did because something had changed."""

    id: str
    name: str
    customer: str
    site: str
    at: int
    rows: int
    cut: bool                           # the device has more rows than it tells
    stale: bool                         # something was lost on the way: all is asked for with the next link
    old: bool                           # the answer to a query that is in force no more in these words
    problem: str                        # why there is no newer answer


class KeptRow(Carried):
    """One row of a device's answer in the order of `columns`; `since`: when it came, None from the beginning."""

    device: str
    values: tuple[Cell, ...]
    since: int | None


class KeptAnswer(Answer):
    """What is kept of the answers to one query; `next` goes on with further devices."""

    name: str
    columns: tuple[str, ...]
    devices: tuple[QueryHolder, ...]
    rows: tuple[KeptRow, ...]
    total: int                          # devices that match and have told
    next: str | None = None


class QueryChange(Carried):
    """A row that came or went."""

    at: int
    id: str
    name: str
    customer: str
    site: str
    change: Literal["added", "removed"]
    row: dict[str, str | int | float] = Field(examples=[{"name": "sshd", "port": 22}])
