"""Reads of samples: the newest of a device, one metric over time. It never writes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from guru_policy.errors import NotFound
from guru_server.telemetry import chunks, rolling
from guru_server.telemetry.layouts import described
from guru_server.telemetry.packing import HOUR, unpack
from guru_server.telemetry.tables import layout, metric_def, rollup, sample_chunk, sample_head


class Point(NamedTuple):
    """One value at one time (ms UTC)."""

    ts: int
    value: float


class Line(NamedTuple):
    """One metric of one device over time; `unit` as in metric_def."""

    unit: str
    points: tuple[Point, ...]


class _Wanted(NamedTuple):
    """One device from `since` to before `until`, and the metric's place in each layout that has it."""

    tenant: str
    device: str
    since: int
    until: int
    places: dict[int, int]


def newest_metrics(connection: Connection, tenant: str, device: str) -> dict[str, float]:
    """The newest sample of a device by metric name; empty when there never was one."""
    head, chunk = sample_head.c, sample_chunk.c
    row = connection.execute(
        select(head.layout, head.vals)
        .where(head.tenant == tenant, head.device == device)
        .order_by(head.ts.desc())
        .limit(1)
    ).first()
    if row is not None:
        of, vals = row.layout, bytes(row.vals)
    else:
        old = connection.execute(
            select(chunk.layout, chunk.data)
            .where(chunk.tenant == tenant, chunk.device == device)
            .order_by(chunk.t0.desc())
            .limit(1)
        ).first()
        if old is None:
            return {}
        of, vals = old.layout, chunks.decode(bytes(old.data))[-1][1]
    names = metrics_of(connection, tenant, of)
    return {name: value for name, value in zip(names, unpack(vals), strict=False) if math.isfinite(value)}


def line(
    connection: Connection, tenant: str, device: str, metric: str, *, since: int, until: int, most: int = 1440
) -> Line:
    """The metric's values with since <= ts < until, by time; hourly means where days are summed up.

    More than `most` values are averaged into that many stretches of equal length. NotFound when no layout of
    this tenant has the metric.
    """
    places = _places(connection, tenant, metric)
    if not places:
        raise NotFound(
            f"no device ever sent the metric {metric[:128]!r}",
            hint="`guru device show` lists a device's metrics",
        )
    wanted = _Wanted(tenant, device, since, until, places)
    points: dict[int, float] = {}
    for source in (_from_rollups, _from_chunks, _from_head):
        points.update(source(connection, wanted))
    unit: str | None = connection.execute(
        select(metric_def.c.unit).where(metric_def.c.tenant == tenant, metric_def.c.name == metric)
    ).scalar()
    ordered = thinned([Point(ts, points[ts]) for ts in sorted(points)], since, until, most)
    return Line(described(metric).unit if unit is None else unit, tuple(ordered))


def metrics_of(connection: Connection, tenant: str, layout_id: int) -> tuple[str, ...]:
    """The names of a layout's metrics in order; empty for an unknown layout."""
    names: str | None = connection.execute(
        select(layout.c.metrics).where(layout.c.tenant == tenant, layout.c.id == layout_id)
    ).scalar()
    return tuple(names.split("\n")) if names else ()


def thinned(points: Sequence[Point], since: int, until: int, most: int) -> list[Point]:
    """The points themselves, or their means over `most` equal stretches, each at its first point's time."""
    if len(points) <= most:
        return list(points)
    step = max(1, math.ceil((until - since) / most))
    stretches: dict[int, list[Point]] = {}
    for point in points:
        stretches.setdefault((point.ts - since) // step, []).append(point)
    return [
        Point(part[0].ts, math.fsum(point.value for point in part) / len(part)) for part in stretches.values()
    ]


def _places(connection: Connection, tenant: str, metric: str) -> dict[int, int]:
    rows = connection.execute(
        select(layout.c.id, layout.c.metrics).where(
            layout.c.tenant == tenant, layout.c.metrics.contains(metric, autoescape=True)
        )
    )
    named = ((row.id, row.metrics.split("\n")) for row in rows)
    return {key: names.index(metric) for key, names in named if metric in names}


def _from_head(connection: Connection, wanted: _Wanted) -> Iterator[tuple[int, float]]:
    head = sample_head.c
    rows = connection.execute(
        select(head.ts, head.layout, head.vals).where(
            head.tenant == wanted.tenant,
            head.device == wanted.device,
            head.ts >= wanted.since,
            head.ts < wanted.until,
            head.layout.in_(wanted.places),
        )
    )
    for ts, of, vals in rows:
        value = unpack(bytes(vals))[wanted.places[of]]
        if math.isfinite(value):
            yield ts, value


def _from_chunks(connection: Connection, wanted: _Wanted) -> Iterator[tuple[int, float]]:
    chunk = sample_chunk.c
    rows = connection.execute(
        select(chunk.layout, chunk.data).where(
            chunk.tenant == wanted.tenant,
            chunk.device == wanted.device,
            chunk.t0 > wanted.since - chunks.SPAN,
            chunk.t0 < wanted.until,
            chunk.layout.in_(wanted.places),
        )
    )
    for of, data in rows:
        for ts, value in chunks.decode_one(bytes(data), wanted.places[of]):
            if wanted.since <= ts < wanted.until and math.isfinite(value):
                yield ts, value


def _from_rollups(connection: Connection, wanted: _Wanted) -> Iterator[tuple[int, float]]:
    rows = connection.execute(
        select(rollup.c.t0, rollup.c.layout, rollup.c.data).where(
            rollup.c.tenant == wanted.tenant,
            rollup.c.device == wanted.device,
            rollup.c.res == HOUR,
            rollup.c.t0 >= wanted.since,
            rollup.c.t0 < wanted.until,
            rollup.c.layout.in_(wanted.places),
        )
    )
    for t0, of, data in rows:
        summary = rolling.decode(bytes(data))[wanted.places[of]]
        if summary.n:
            yield t0, summary.mean
