"""Recorders of layouts and samples: what ingest hands over becomes rows. They never commit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, text

from guru_policy.errors import GuruError, InputInvalid
from guru_server.gateway.items import Received, Recorder
from guru_server.telemetry.checks import CheckRecorder
from guru_server.telemetry.layouts import LAYOUTS_A_DEVICE, checked, described
from guru_server.telemetry.packing import pack
from guru_server.telemetry.refusing import NOTHING, Refusal, RefusedRecorder, refuse
from guru_wire.uplink import Layout

_KNOWN_LAYOUTS = 20_000                 # kept in memory; more are looked up again

Row = tuple[str, str, int, int, bytes]

_SQLITE = "INSERT OR IGNORE INTO sample_head (tenant, device, ts, layout, vals) VALUES (?, ?, ?, ?, ?)"
_POSTGRES = (
    "INSERT INTO sample_head (tenant, device, ts, layout, vals)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bytea[])"
    " ON CONFLICT DO NOTHING"
)


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
        """Store what is new; a layout that lies or is one too many is refused.

        The memory is not asked: what it remembers may come from a transaction that was undone.
        """
        refused: list[Refusal] = []
        for item in items:
            sent = Layout.model_validate(item.body)
            try:
                key = checked(sent.hash, sent.metrics)
                if _metrics(connection, item.tenant, key) is None:
                    _add_layout(connection, item, key, sent.metrics)
            except InputInvalid as error:
                refused.append(Refusal(item.tenant, item.device, "layout", error.message))
        refuse(connection, refused, self._now())
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


def insert_samples(connection: Connection, rows: Sequence[Row]) -> None:
    """Store packed samples, in the order of their keys; the hot path, so by hand for each database."""
    if not rows:
        return
    ordered = sorted(rows)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE, ordered)
    else:
        connection.exec_driver_sql(_POSTGRES, tuple(map(list, zip(*ordered, strict=True))))


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
