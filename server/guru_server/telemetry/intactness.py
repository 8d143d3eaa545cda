"""The condition Tampered: devices whose agent's own files are not as they were installed. It only reads."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from guru_policy.own_check import OWN_CHECK
from guru_policy.verdict import State
from guru_server.fleet.tables import device as device_table
from guru_server.telemetry.tables import check_state
from guru_wire.operator import Condition

NAMED = 20                              # devices in a message


def tampered(
    connection: Connection, tenant: str, device: str | None = None, among: Collection[str] | None = None
) -> tuple[Condition, ...]:
    """Tampered, of one device with what it says, or of all (of `among`) with their names; empty when all is well."""
    query = (
        select(check_state.c.device, check_state.c.since, check_state.c.message, device_table.c.name)
        .join(device_table, (device_table.c.tenant == check_state.c.tenant)
              & (device_table.c.id == check_state.c.device))
        .where(check_state.c.tenant == tenant, check_state.c.check_id == OWN_CHECK,
               check_state.c.state == State.critical.value, device_table.c.revoked_at.is_(None))
        .order_by(device_table.c.name)
    )
    if device is not None:
        query = query.where(check_state.c.device == device)
    rows = [row for row in connection.execute(query) if among is None or row.device in among]
    if not rows:
        return ()
    names = ", ".join(row.name for row in rows[:NAMED])
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    message = rows[0].message if device is not None else names + more
    return (Condition(
        type="Tampered", status=True, reason="FilesDiffer", message=message, since=min(row.since for row in rows),
    ),)
