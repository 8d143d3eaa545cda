"""Samples growing old: head to 6-hour chunks after a day, to hours and days after a month, then gone.

One call is for one device inside the caller's transaction, bounded in rows; doing it again changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, delete, select, text

from guru_server.store.binding import whose
from guru_server.telemetry import chunks, rolling
from guru_server.telemetry.packing import DAY, HOUR, unpack
from guru_server.telemetry.reading import metrics_of
from guru_server.telemetry.tables import metric_def, rollup, sample_chunk, sample_head

HEAD_AGE = DAY
CHUNK_AGE = 30 * DAY
HOURLY_AGE = 400 * DAY
DAILY_AGE = 5 * 365 * DAY
_ROWS = 10_000                          # of the head of one device in one call: a week at one a minute
_CHUNKS = 1024                          # more than one day of one device can have: 100 layouts, 4 each
_TABLES = (sample_head, sample_chunk, rollup)

_PUT_CHUNK = text(
    "INSERT INTO sample_chunk (tenant, device, t0, layout, n, data)"
    " VALUES (:tenant, :device, :t0, :layout, :n, :data)"
    " ON CONFLICT (tenant, device, t0, layout) DO UPDATE SET n = excluded.n, data = excluded.data"
)
_PUT_ROLLUP = text(
    "INSERT INTO rollup (tenant, device, res, t0, layout, data)"
    " VALUES (:tenant, :device, :res, :t0, :layout, :data) ON CONFLICT DO NOTHING"
)

Packed = list[tuple[int, bytes]]


class Owner(NamedTuple):
    """A device that has samples."""

    tenant: str
    device: str


def next_owners(connection: Connection, after: Owner | None, most: int) -> list[Owner]:
    """The next devices that have samples of any age, in order; by leaps along the keys, never a full scan."""
    found: list[Owner] = []
    at = after or Owner(whose(connection), "")
    while len(found) < most:
        candidates = [owner for table in _TABLES if (owner := _leap(connection, table, at))]
        if not candidates:
            break
        at = min(candidates)
        found.append(at)
    return found


def age(connection: Connection, owner: Owner, now: int) -> int:
    """Move the device's samples to where they belong at `now` (ms); how many rows were moved or dropped."""
    return sum(step(connection, owner, now) for step in (_compact_head, _sum_up, _expire))


def _leap(connection: Connection, table: Table, at: Owner) -> Owner | None:
    row = connection.execute(
        select(table.c.tenant, table.c.device)
        .where(table.c.tenant == at.tenant, table.c.device > at.device)
        .order_by(table.c.device)
        .limit(1)
    ).first()
    return Owner(row.tenant, row.device) if row else None


def _compact_head(connection: Connection, owner: Owner, now: int) -> int:
    cutoff = (now - HEAD_AGE) // chunks.SPAN * chunks.SPAN
    head = sample_head.c
    rows = connection.execute(
        select(head.ts, head.layout, head.vals)
        .where(*_of(sample_head, owner), head.ts < cutoff)
        .order_by(head.ts)
        .limit(_ROWS)
    ).all()
    if not rows:
        return 0
    grouped: dict[tuple[int, int], Packed] = defaultdict(list)
    for ts, layout, vals in rows:
        grouped[ts // chunks.SPAN * chunks.SPAN, layout].append((ts, bytes(vals)))
    for (t0, layout), packed in grouped.items():
        _put_chunk(connection, owner, t0, layout, packed)
    connection.execute(delete(sample_head).where(*_of(sample_head, owner), head.ts <= rows[-1].ts))
    return len(rows)


def _put_chunk(connection: Connection, owner: Owner, t0: int, layout: int, packed: Packed) -> None:
    """Write a chunk; samples that came late join the chunk that is there."""
    chunk = sample_chunk.c
    there = connection.execute(
        select(chunk.data).where(*_of(sample_chunk, owner), chunk.t0 == t0, chunk.layout == layout)
    ).scalar()
    if there is not None:
        packed = sorted({**dict(packed), **dict(chunks.decode(bytes(there)))}.items())
    scales = _scales(connection, owner.tenant, layout, width=len(packed[0][1]) // 8)
    row = {"t0": t0, "layout": layout, "n": len(packed), "data": chunks.encode(packed, scales)}
    connection.execute(_PUT_CHUNK, {**owner._asdict(), **row})


def _scales(connection: Connection, tenant: str, layout: int, *, width: int) -> list[int]:
    names = metrics_of(connection, tenant, layout)
    rows = connection.execute(
        select(metric_def.c.name, metric_def.c.scale).where(
            metric_def.c.tenant == tenant, metric_def.c.name.in_(names)
        )
    )
    known = {row.name: row.scale for row in rows}
    return [known.get(name, 3) for name in names] if len(names) == width else [3] * width


def _sum_up(connection: Connection, owner: Owner, now: int) -> int:
    cutoff = (now - CHUNK_AGE) // DAY * DAY
    chunk = sample_chunk.c
    rows = connection.execute(
        select(chunk.t0, chunk.layout, chunk.data)
        .where(*_of(sample_chunk, owner), chunk.t0 < cutoff)
        .order_by(chunk.t0)
        .limit(_CHUNKS)
    ).all()
    if len(rows) == _CHUNKS:            # whole days only: the last one may go on behind the limit
        rows = [row for row in rows if row.t0 // DAY < rows[-1].t0 // DAY]
    grouped: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for t0, layout, data in rows:
        grouped[t0 // DAY * DAY, layout].append(bytes(data))
    for (day, layout), parts in grouped.items():
        _sum_up_day(connection, owner, day, layout, parts)
    if rows:
        connection.execute(delete(sample_chunk).where(*_of(sample_chunk, owner), chunk.t0 <= rows[-1].t0))
    return len(rows)


def _sum_up_day(connection: Connection, owner: Owner, day: int, layout: int, data: list[bytes]) -> None:
    hours: dict[int, list[tuple[float, ...]]] = defaultdict(list)
    for part in data:
        for ts, vals in chunks.decode(part):
            hours[ts // HOUR * HOUR].append(unpack(vals))
    hourly = {t0: [rolling.summed(values) for values in zip(*hours[t0], strict=True)] for t0 in sorted(hours)}
    daily = [rolling.joined(parts) for parts in zip(*hourly.values(), strict=True)]
    summed = [(HOUR, t0, summaries) for t0, summaries in hourly.items()] + [(DAY, day, daily)]
    connection.execute(
        _PUT_ROLLUP,
        [
            {**owner._asdict(), "res": res, "t0": t0, "layout": layout, "data": rolling.encode(summaries)}
            for res, t0, summaries in summed
        ],
    )


def _expire(connection: Connection, owner: Owner, now: int) -> int:
    return sum(
        connection.execute(
            delete(rollup).where(*_of(rollup, owner), rollup.c.res == res, rollup.c.t0 < now - kept)
        ).rowcount
        for res, kept in ((HOUR, HOURLY_AGE), (DAY, DAILY_AGE))
    )


def _of(table: Table, owner: Owner) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.tenant == owner.tenant, table.c.device == owner.device
