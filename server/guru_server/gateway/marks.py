"""High-water marks: read and raised inside the transaction that stores the items. They never go down.

On PostgreSQL a mark's row stays locked until that transaction ends, so that an old and a new link of one
device, on two gateways, never store an item twice. Rows are locked in the order of their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

SPOOLS_A_DEVICE = 16                    # a device that makes more loses the oldest marks

_ONE = text("SELECT seq FROM ingest_mark WHERE tenant = :tenant AND device = :device AND spool = :spool")
_ONE_SQLITE = "SELECT seq FROM ingest_mark WHERE tenant = ? AND device = ? AND spool = ?"
_MANY_POSTGRES = (
    "SELECT m.tenant, m.device, m.spool, m.seq FROM ingest_mark m"
    " JOIN unnest(%s::text[], %s::text[], %s::text[]) AS k(tenant, device, spool)"
    " USING (tenant, device, spool)"
    " ORDER BY 1, 2, 3 FOR UPDATE OF m"
)
_RAISE_SQLITE = "UPDATE ingest_mark SET seq = ?, at = ? WHERE tenant = ? AND device = ? AND spool = ?"
_RAISE_POSTGRES = (
    "UPDATE ingest_mark m SET seq = k.seq, at = k.at"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[])"
    " AS k(seq, at, tenant, device, spool)"
    " WHERE m.tenant = k.tenant AND m.device = k.device AND m.spool = k.spool"
)
_BEGIN = text(
    "INSERT INTO ingest_mark (tenant, device, spool, seq, at) VALUES (:tenant, :device, :spool, 0, :at)"
    " ON CONFLICT DO NOTHING"
)
_PRUNE = text(
    "DELETE FROM ingest_mark WHERE tenant = :tenant AND device = :device AND spool NOT IN"
    " (SELECT spool FROM ingest_mark WHERE tenant = :tenant AND device = :device"
    " ORDER BY at DESC, spool LIMIT :spools) AND spool <> :spool"       # never the one just begun
)


class Source(NamedTuple):
    """One spool of one device: what has a mark of its own."""

    tenant: str
    device: str
    spool: str


def mark_of(connection: Connection, source: Source) -> int:
    """The highest sequence that is stored for this spool; 0 when none is."""
    seq: int | None = connection.execute(_ONE, source._asdict()).scalar()
    return seq or 0


def hold(connection: Connection, sources: Sequence[Source], now: int) -> dict[Source, int]:
    """The marks of these spools, given in order of their keys; nobody else raises them until the commit."""
    found = _read(connection, sources)
    missing = [source for source in sources if source not in found]
    if missing:
        connection.execute(_BEGIN, [{**source._asdict(), "at": now} for source in missing])
        connection.execute(_PRUNE, [_pruning(one) for one in missing])
        found |= _read(connection, missing)
    return found


def advance(connection: Connection, marks: Mapping[Source, int], now: int) -> None:
    """Write the new marks; the caller holds their rows."""
    rows = [(seq, now, *source) for source, seq in sorted(marks.items())]
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_RAISE_SQLITE, rows)
    else:
        connection.exec_driver_sql(_RAISE_POSTGRES, _columns(rows))


def _read(connection: Connection, sources: Sequence[Source]) -> dict[Source, int]:
    if connection.dialect.name != "sqlite":
        rows = connection.exec_driver_sql(_MANY_POSTGRES, _columns(sources))
        return {Source(row[0], row[1], row[2]): row[3] for row in rows}
    cursor = connection.connection.cursor()     # the hot path: one row a device, so past SQLAlchemy
    found = {}
    try:
        for source in sources:
            cursor.execute(_ONE_SQLITE, source)
            row = cursor.fetchone()
            if row is not None:
                found[source] = int(row[0])
    finally:
        cursor.close()
    return found


def _pruning(source: Source) -> dict[str, str | int]:
    return {**source._asdict(), "spools": SPOOLS_A_DEVICE}


def _columns(rows: Iterable[tuple[object, ...]]) -> tuple[list[object], ...]:
    return tuple(map(list, zip(*rows, strict=True)))
