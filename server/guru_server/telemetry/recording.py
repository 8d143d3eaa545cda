"""Recorders of layouts and samples: what ingest hands over becomes rows. They never commit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from guru_policy.errors import GuruError, InputInvalid
from guru_server.gateway.items import Received, Recorder
from guru_server.gateway.plain import plain
from guru_server.telemetry.checks import CheckRecorder
from guru_server.telemetry.layouts import LAYOUTS_A_DEVICE, checked, described
from guru_server.telemetry.packing import pack
from guru_wire.uplink import Layout

NOTHING: Mapping[str, set[str]] = {}
_KNOWN_LAYOUTS = 20_000                 # kept in memory; more are looked up again

Row = tuple[str, str, int, int, bytes]

_SQLITE = "INSERT OR IGNORE INTO sample_head (tenant, device, ts, layout, vals) VALUES (?, ?, ?, ?, ?)"
_POSTGRES = (
    "INSERT INTO sample_head (tenant, device, ts, layout, vals)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bytea[])"
    " ON CONFLICT DO NOTHING"
)
_REFUSE = text(
    "INSERT INTO refused_item (tenant, device, kind, count, at, reason)"
    " VALUES (:tenant, :device, :kind, :count, :at, :reason)"
    " ON CONFLICT (tenant, device, kind) DO UPDATE SET"
    " count = refused_item.count + excluded.count, at = excluded.at, reason = excluded.reason"
)


class Refusal(NamedTuple):
    """One item that could not be stored, and why."""

    tenant: str
    device: str
    kind: str
    reason: str


def recorders(now: Callable[[], int]) -> dict[str, Recorder]:
    """What telemetry stores, by item kind; `now` tells ms UTC."""
    samples = SampleRecorder(now)
    return {
        "layout": samples.layouts,
        "sample": samples.samples,
        "checks": CheckRecorder(now),
        "refused": RefusedRecorder(now),
    }


class SampleRecorder:
    """Stores layouts and packed samples; a sample of an unknown layout or of a wrong length is refused."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._widths: OrderedDict[tuple[str, int], int] = OrderedDict()

    def layouts(self, connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        """Store what is new; raises InputInvalid for a layout that lies or is one too many.

        The memory is not asked: what it remembers may come from a transaction that was undone.
        """
        for item in items:
            sent = Layout.model_validate(item.body)
            key = checked(sent.hash, sent.metrics)
            if _metrics(connection, item.tenant, key) is None:
                _add_layout(connection, item, key, sent.metrics)
        return NOTHING

    def samples(self, connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        """Store samples; one that came already is left as it is. Changes no bus topic."""
        now = self._now()
        rows: list[Row] = []
        refused: list[Refusal] = []
        widths = self._widths
        for tenant, device, _, body in items:
            try:
                layout, ts, vals = pack(body, now=now)
                width = widths.get((tenant, layout)) or self._width(connection, tenant, layout)
                if width is None:
                    raise InputInvalid("a sample names a layout that was never sent")
                if 8 * width != len(vals):
                    raise InputInvalid(f"a sample has {len(vals) // 8} values and its layout {width}")
            except GuruError as error:
                refused.append(Refusal(tenant, device, "sample", error.message))
            else:
                rows.append((tenant, device, ts, layout, vals))
        insert_samples(connection, rows)
        refuse(connection, refused, now)
        return NOTHING

    def _width(self, connection: Connection, tenant: str, layout: int) -> int | None:
        key = (tenant, layout)
        if key in self._widths:
            self._widths.move_to_end(key)
            return self._widths[key]
        metrics = _metrics(connection, tenant, layout)
        if metrics is None:
            return None
        self._widths[key] = metrics.count("\n") + 1
        while len(self._widths) > _KNOWN_LAYOUTS:
            self._widths.popitem(last=False)
        return self._widths[key]


class RefusedRecorder:
    """Counts what a device sent that nobody could store."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now

    def __call__(self, connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        """Count them by device and kind. Changes no bus topic."""
        refusals = []
        for tenant, device, _, body in items:
            known = body if isinstance(body, dict) else {}
            refusals.append(Refusal(tenant, device, str(known.get("kind", "")), str(known.get("reason", ""))))
        refuse(connection, refusals, self._now())
        return NOTHING


def insert_samples(connection: Connection, rows: Sequence[Row]) -> None:
    """Store packed samples, in the order of their keys; the hot path, so by hand for each database."""
    if not rows:
        return
    ordered = sorted(rows)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE, ordered)
    else:
        connection.exec_driver_sql(_POSTGRES, tuple(map(list, zip(*ordered, strict=True))))


def refuse(connection: Connection, refusals: Iterable[Refusal], now: int) -> None:
    """Count refused items: one row a device and kind, with the newest reason."""
    counted: dict[tuple[str, str, str], tuple[int, str]] = {}
    for tenant, device, kind, reason in refusals:
        key = (tenant, device, plain(kind, 16))
        counted[key] = (counted.get(key, (0, ""))[0] + 1, plain(reason))
    rows = [
        {"tenant": tenant, "device": device, "kind": kind, "count": count, "at": now, "reason": reason}
        for (tenant, device, kind), (count, reason) in sorted(counted.items())
    ]
    if rows:
        connection.execute(_REFUSE, rows)


def _metrics(connection: Connection, tenant: str, layout: int) -> str | None:
    query = text("SELECT metrics FROM layout WHERE tenant = :tenant AND id = :id")
    metrics: str | None = connection.execute(query, {"tenant": tenant, "id": layout}).scalar()
    return metrics


def _add_layout(connection: Connection, item: Received, key: int, metrics: tuple[str, ...]) -> None:
    owner = {"tenant": item.tenant, "device": item.device}
    brought = connection.execute(
        text("SELECT count(*) FROM layout WHERE tenant = :tenant AND device = :device"), owner
    ).scalar_one()
    if brought >= LAYOUTS_A_DEVICE:
        raise InputInvalid(f"a device brings {LAYOUTS_A_DEVICE} layouts at most")
    connection.execute(
        text(
            "INSERT INTO layout (tenant, id, metrics, device) VALUES (:tenant, :id, :metrics, :device)"
            " ON CONFLICT DO NOTHING"
        ),
        {**owner, "id": key, "metrics": "\n".join(metrics)},
    )
    described_rows = [
        {"tenant": item.tenant, "name": name, "unit": unit, "scale": scale}
        for name, (unit, scale) in ((name, described(name)) for name in sorted(metrics))
    ]
    connection.execute(
        text(
            "INSERT INTO metric_def (tenant, name, unit, scale) VALUES (:tenant, :name, :unit, :scale)"
            " ON CONFLICT DO NOTHING"
        ),
        described_rows,
    )
