"""Lets go of what nobody has any more: changes that are old, and rows that no device and no change names."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, tuple_

from guru_server.fleet.tables import device
from guru_server.inventory.items import guard, sliced, unpacked
from guru_server.inventory.tables import inventory_change, inventory_item, inventory_state

SLACK = 3_600_000                       # ms: a row that is younger may be about to be named


class Unused(NamedTuple):
    """Rows of a tenant that nothing named when it was looked, and when the newest table had changed (ms UTC)."""

    tenant: str
    numbers: array[int]
    newest: int


def forget_changes(connection: Connection, before: int) -> None:
    """Delete changes that are older than `before` (ms UTC)."""
    connection.execute(delete(inventory_change).where(inventory_change.c.at < before))


def forget_revoked(connection: Connection, before: int) -> None:
    """Delete all that devices had which were revoked before this time (ms UTC)."""
    gone = select(device.c.tenant, device.c.id).where(device.c.revoked_at < before)
    for table in (inventory_state.c, inventory_change.c):
        connection.execute(delete(table.tenant.table).where(tuple_(table.tenant, table.device).in_(gone)))


def unused(connection: Connection) -> list[Unused]:
    """The rows that nothing names, by tenant. Reads every device's tables: a second for ten thousand."""
    item, state, change = inventory_item.c, inventory_state.c, inventory_change.c
    found = []
    for tenant in connection.execute(select(item.tenant).distinct().order_by(item.tenant)).scalars().all():
        named, newest = set[int](), 0
        rows = select(state.numbers, state.changed_at).where(state.tenant == tenant)
        for row in connection.execution_options(stream_results=True).execute(rows):
            named.update(unpacked(row.numbers))
            newest = max(newest, row.changed_at)
        for row in connection.execute(select(change.before, change.after).where(change.tenant == tenant)):
            named.update(number for number in row if number is not None)
        there = connection.execute(select(item.id).where(item.tenant == tenant)).scalars()
        left = array("q", (number for number in there if number not in named))
        if left:
            found.append(Unused(tenant, left, newest))
    return found


def let_go(connection: Connection, found: list[Unused], *, now: int) -> int:
    """Delete those of the rows that are still not named; how many. `now` in ms UTC."""
    item, state, change, gone = inventory_item.c, inventory_state.c, inventory_change.c, 0
    for one in found:
        guard(connection, shared=False)
        lately = select(state.numbers).where(state.tenant == one.tenant, state.changed_at >= one.newest)
        named = {number for stored in connection.execute(lately).scalars() for number in unpacked(stored)}
        noted = select(change.before, change.after).where(change.tenant == one.tenant, change.at >= one.newest - SLACK)
        named |= {number for row in connection.execute(noted) for number in row if number is not None}
        numbers = sorted(set(one.numbers) - named)
        for some in sliced(numbers):
            gone += connection.execute(delete(inventory_item).where(
                item.tenant == one.tenant, item.id.in_(some), item.made_at < now - SLACK)).rowcount
    return gone
