"""Items that nobody can store, counted by device and kind, so that they block nobody. It judges nothing.

A recorder that can tell which item is at fault refuses it here; one that raises makes ingest look for it with a
transaction for every half, and a device that sends nothing else would hold up all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from guru_server.gateway.items import Received
from guru_server.gateway.plain import plain

NOTHING: Mapping[str, set[str]] = {}

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
