"""Lets go of what nobody has any more: changes that are old, and rows that no device and no change names."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from guru_server.fleet.tables import device
from guru_server.inventory.items import guard, sliced, unpacked
from guru_server.inventory.tables import inventory_change, inventory_item, inventory_state
from guru_server.store.binding import whose

SLACK = 3_600_000                       # ms: a row that is younger may be about to be named


class Unused(NamedTuple):
    """Rows that nothing named when it was looked, and when the newest table had changed (ms UTC)."""

    numbers: array[int]
    newest: int


def forget_changes(connection: Connection, before: int) -> None:
    """Delete changes that are older than `before` (ms UTC)."""
    change = inventory_change.c
    connection.execute(delete(inventory_change).where(change.tenant == whose(connection), change.at < before))


def forget_revoked(connection: Connection, before: int) -> None:
    """Delete all that devices had which were revoked before this time (ms UTC)."""
    tenant = whose(connection)
    gone = select(device.c.id).where(device.c.tenant == tenant, device.c.revoked_at < before)
    for table in (inventory_state, inventory_change):
        connection.execute(delete(table).where(table.c.tenant == tenant, table.c.device.in_(gone)))


def unused(connection: Connection) -> Unused:
    """The rows that nothing names. Reads every device's tables: a second for ten thousand."""
    item, state, change, tenant = inventory_item.c, inventory_state.c, inventory_change.c, whose(connection)
    named, newest = set[int](), 0
    for row in connection.execute(select(state.numbers, state.changed_at).where(state.tenant == tenant)):
        named.update(unpacked(row.numbers))
        newest = max(newest, row.changed_at)
    for row in connection.execute(select(change.before, change.after).where(change.tenant == tenant)):
        named.update(number for number in row if number is not None)
    there = connection.execute(select(item.id).where(item.tenant == tenant)).scalars()
    return Unused(array("q", (number for number in there if number not in named)), newest)


def let_go(connection: Connection, found: Unused, *, now: int) -> int:
    """Delete those of the rows that are still not named; how many. `now` in ms UTC."""
    item, state, change, tenant = inventory_item.c, inventory_state.c, inventory_change.c, whose(connection)
    if not found.numbers:
        return 0
    guard(connection, shared=False)
    lately = select(state.numbers).where(state.tenant == tenant, state.changed_at >= found.newest)
    named = {number for stored in connection.execute(lately).scalars() for number in unpacked(stored)}
    noted = select(change.before, change.after).where(change.tenant == tenant, change.at >= found.newest - SLACK)
    named |= {number for row in connection.execute(noted) for number in row if number is not None}
    return sum(
        connection.execute(delete(inventory_item).where(
            item.tenant == tenant, item.id.in_(some), item.made_at < now - SLACK)).rowcount
        for some in sliced(sorted(set(found.numbers) - named))
    )
