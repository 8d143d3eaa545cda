"""Whether the chain in the database holds, step by step: it reads, and believes only the keys it is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from guru_server.audit import checkpoints
from guru_server.audit.tables import audit
from guru_wire.audit_chain import (
    GENESIS,
    Break,
    Checkpoint,
    Entry,
    Position,
    followed,
    genuine,
    unfinished,
)

STEP = 10_000                           # rows looked at in one transaction: about a tenth of a second


class Step(NamedTuple):
    """One step of a verification. `more`: the chain goes on after `at`."""

    at: Position
    checkpoints: int
    broken: Break | None
    more: bool


def entries(connection: Connection, tenant: str, after: int, most: int) -> list[Entry]:
    """The rows after this one, in order."""
    columns = [audit.c[field] for field in Entry._fields]
    query = select(*columns).where(audit.c.tenant == tenant, audit.c.seq > after).order_by(audit.c.seq).limit(most)
    return [Entry(*row) for row in connection.execute(query)]


def start(connection: Connection, tenant: str, keys: Collection[str]) -> Position | Break:
    """Where what is left of the chain begins: before the first row, or at the root's signed checkpoint."""
    root = checkpoints.head(connection, tenant).root
    if not root:
        return Position(0, GENESIS)
    found = checkpoints.between(connection, tenant, root, root)
    if not found or not genuine(found[0], keys):
        return Break(root, f"the chain begins after row {root}, and no genuine checkpoint of that row is here")
    return Position(root, found[0].hash)


def step(
    connection: Connection, tenant: str, at: Position | None, keys: Collection[str],
    outside: Mapping[int, Sequence[Checkpoint]], most: int = STEP,
) -> Step:
    """Follow the chain from `at` (None: from its start) for at most `most` rows.

    `outside` are genuine checkpoints of an anchor. The last step also asks whether rows are missing at the end.
    """
    begin = at or start(connection, tenant, keys)
    if isinstance(begin, Break):
        return Step(Position(), 0, begin, more=False)
    rows = entries(connection, tenant, begin.seq, most)
    last = rows[-1].seq if rows else begin.seq
    more = len(rows) == most
    own = checkpoints.between(connection, tenant, begin.seq, last if more else None, most + 1)
    false = next((one for one in own if not genuine(one, keys)), None)
    genuine_ones = [one for one in own if false is None or one.seq < false.seq]
    marks = checkpoints.lines([*genuine_ones, *(one for held in outside.values() for one in held)])
    marks = {seq: held for seq, held in marks.items() if seq > begin.seq}
    reached = followed(begin, rows, marks)
    if isinstance(reached, Break):
        return Step(begin, len(own), reached, more=False)
    if false is not None:
        why = f"the checkpoint of row {false.seq} is not signed by a key that may"
        return Step(begin, len(own), Break(false.seq, why), more=False)
    broken = None if more else _end(connection, tenant, reached, marks)
    return Step(reached, len(own), broken, more=more and broken is None)


def _end(
    connection: Connection, tenant: str, reached: Position, marks: Mapping[int, Sequence[Checkpoint]]
) -> Break | None:
    known = checkpoints.head(connection, tenant).at
    if known.seq > reached.seq:
        return Break(reached.seq + 1, f"rows {reached.seq + 1} to {known.seq} are missing at the end")
    if known != reached:
        return Break(reached.seq, f"the log's head does not stand at row {reached.seq}, where its rows end")
    return unfinished(reached, marks)
