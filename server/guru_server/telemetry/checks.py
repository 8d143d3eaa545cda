"""The newest verdict of every check of every device. A late result never replaces a newer one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from guru_policy.verdict import State, Verdict
from guru_server.gateway.items import Received
from guru_server.gateway.plain import plain
from guru_server.store.binding import whose
from guru_server.telemetry.refusing import Refusal, refuse
from guru_server.telemetry.tables import check_state
from guru_wire.uplink import CheckResult, Checks

CHECKS_A_DEVICE = 500
MAX_MISSED = 3                          # looks without a word of a check before it is forgotten
QUIET = 30 * 60_000                     # ms that a check may lie behind its device's newest word
_SLICE = 500                            # devices in one statement

_UPSERT = text(
    "INSERT INTO check_state"
    " (tenant, device, check_id, state, since, at, value, unit, message, missed, seen_at)"
    " VALUES (:tenant, :device, :check_id, :state, :since, :at, :value, :unit, :message, 0, :seen_at)"
    " ON CONFLICT (tenant, device, check_id) DO UPDATE SET state = excluded.state, since = excluded.since,"
    " at = excluded.at, value = excluded.value, unit = excluded.unit, message = excluded.message,"
    " missed = 0, seen_at = excluded.seen_at WHERE excluded.at >= check_state.at"
)
_MISS = text(
    "UPDATE check_state SET missed = missed + 1 WHERE tenant = :tenant AND device IN"  # few; then which of its checks
    " (SELECT device FROM check_state WHERE tenant = :tenant GROUP BY device"
    " HAVING min(seen_at) + :quiet < max(seen_at)) AND seen_at + :quiet <"
    " (SELECT max(newer.seen_at) FROM check_state newer"
    " WHERE newer.tenant = check_state.tenant AND newer.device = check_state.device)"
)


class CheckRow(NamedTuple):
    """One check's newest verdict as stored."""

    tenant: str
    device: str
    check_id: str
    state: str
    since: int
    at: int
    value: float | None
    unit: str
    message: str
    seen_at: int


class CheckRecorder:
    """Stores verdicts; the topic `checks` names the devices of which a state changed."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now

    def __call__(self, connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        """Keep the newest result of each check; a device's checks beyond what it may have are refused."""
        now = self._now()
        by_device: dict[tuple[str, str], dict[str, CheckRow]] = defaultdict(dict)
        refused: list[Refusal] = []
        for item in items:
            newest = by_device[item.tenant, item.device]
            for result in Checks.model_validate(item.body).results:
                if not _nameable(result.check):
                    refused.append(Refusal(item.tenant, item.device, "checks", "a check has no usable name"))
                    continue
                row = _row(item, result, now)
                before = newest.get(row.check_id)
                if before is None or before.at <= row.at:
                    newest[row.check_id] = row
        changed = set()
        for (tenant, device), rows in sorted(by_device.items()):
            known = _known(connection, tenant, device)
            for name in sorted(rows.keys() - known.keys())[max(0, CHECKS_A_DEVICE - len(known)):]:
                del rows[name]
                reason = f"a device has {CHECKS_A_DEVICE} checks at most"
                refused.append(Refusal(tenant, device, "checks", reason))
            if rows and _store(connection, rows, known):
                changed.add(device)
        refuse(connection, refused, now)
        return {"checks": changed} if changed else {}


class Forgotten(NamedTuple):
    """A check that its device no longer speaks of."""

    tenant: str
    device: str
    check: str


def check_results(connection: Connection, tenant: str, device: str) -> tuple[CheckResult, ...]:
    """The newest result of each check of a device, by name."""
    rows = connection.execute(
        text(
            "SELECT check_id, state, since, at, value, unit, message FROM check_state"
            " WHERE tenant = :tenant AND device = :device ORDER BY check_id"
        ),
        {"tenant": tenant, "device": device},
    )
    return tuple(
        CheckResult(
            check=row.check_id,
            at=row.at,
            since=row.since,
            verdict=Verdict(state=State(row.state), message=row.message, value=row.value, unit=row.unit),
        )
        for row in rows
    )


def check_counts(connection: Connection, tenant: str, devices: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many checks are in each state, by device, of these devices."""
    table = check_state.c
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for start in range(0, len(devices), _SLICE):
        query = (
            select(table.device, table.state, func.count())
            .where(table.tenant == tenant, table.device.in_(devices[start : start + _SLICE]))
            .group_by(table.device, table.state)
        )
        for device, state, number in connection.execute(query):
            counts[device][state] = number
    return dict(counts)


def forget_unspoken(connection: Connection) -> list[Forgotten]:
    """Drop checks that their devices stopped speaking of, at the third look in a row; say which.

    Agents repeat every verdict at least every 15 minutes, so call this every 10 to 20 minutes: a device that
    just came back has the time to repeat them all before the third look.
    """
    here = {"tenant": whose(connection)}
    connection.execute(_MISS, {"quiet": QUIET, **here})
    gone = connection.execute(
        text("DELETE FROM check_state WHERE tenant = :tenant AND missed >= :most RETURNING tenant, device, check_id"),
        {"most": MAX_MISSED, **here},
    )
    return [Forgotten(*row) for row in gone]


def _row(item: Received, result: CheckResult, now: int) -> CheckRow:
    at = min(max(result.at, 0), now)
    value = result.verdict.value
    return CheckRow(
        tenant=item.tenant,
        device=item.device,
        check_id=result.check,
        state=result.verdict.state.value,
        since=min(max(result.since, 0), at),
        at=at,
        value=value if value is not None and math.isfinite(value) else None,
        unit=plain(result.verdict.unit, 32),
        message=plain(result.verdict.message, 500),
        seen_at=now,
    )


def _nameable(name: str) -> bool:
    return 0 < len(name) <= 200 and plain(name) == name


def _known(connection: Connection, tenant: str, device: str) -> dict[str, tuple[str, int]]:
    """State and time of each check of a device."""
    query = text("SELECT check_id, state, at FROM check_state WHERE tenant = :tenant AND device = :device")
    rows = connection.execute(query, {"tenant": tenant, "device": device})
    return {row.check_id: (row.state, row.at) for row in rows}


def _store(
    connection: Connection, rows: Mapping[str, CheckRow], known: Mapping[str, tuple[str, int]]
) -> bool:
    """Write one device's results; true when a state is not what it was."""
    connection.execute(_UPSERT, [rows[name]._asdict() for name in sorted(rows)])
    return any(
        name not in known or (known[name][0] != row.state and known[name][1] <= row.at)
        for name, row in rows.items()
    )
