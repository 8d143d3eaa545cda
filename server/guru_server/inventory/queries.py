"""What is particular about tables that are answers to standing queries: names, bounds, events. It never commits.

Rows, numbers and changes are kept as those of the inventory are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection, delete, func, select

from guru_policy.errors import InputInvalid
from guru_policy.query.kept import MOST_OF_QUERY, OF_QUERY, Kept, of_query
from guru_server.events.noting import Happening, note
from guru_server.gateway.items import Received
from guru_server.gateway.plain import plain
from guru_server.inventory.items import bodies_of
from guru_server.inventory.tables import inventory_change, inventory_state
from guru_wire.inventory import InventoryDelta

MOST_ROWS = MOST_OF_QUERY
MOST_QUERIES = 100                      # of one device
MOST_CHANGES = 5_000                    # of one query on one device: the oldest make room
SHOWN = 10                              # rows of an event that came, and that went
_NAME = re.compile(re.escape(OF_QUERY) + r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Turn(NamedTuple):
    """What was there before and after, by key; the device's time and ours (ms UTC)."""

    before: Mapping[str, int]
    after: Mapping[str, int]
    at: int
    now: int


def kept_of(delta: InventoryDelta) -> Kept:
    """The table of the delta; InputInvalid for a name that no query has."""
    if not _NAME.fullmatch(delta.table):
        raise InputInvalid("a device tells of a query with an impossible name")
    return of_query(delta.table.removeprefix(OF_QUERY), _names(delta), history=not delta.snapshot)


def columns_of(delta: InventoryDelta) -> str:
    """The columns as they are stored."""
    return json.dumps(_names(delta))


def problem_of(delta: InventoryDelta) -> str:
    """Why there is no newer answer, as it is stored."""
    return plain(delta.problem, 300)


def make_room(connection: Connection, item: Received) -> None:
    """InputInvalid when the device told of so many queries that another one is too many."""
    table = inventory_state.c
    there = connection.execute(select(func.count()).select_from(inventory_state).where(
        table.tenant == item.tenant, table.device == item.device, table.kind.startswith(OF_QUERY))).scalar_one()
    if there >= MOST_QUERIES:
        raise InputInvalid(f"a device tells of {MOST_QUERIES} queries at most")


def forget(connection: Connection, item: Received, kept: Kept) -> None:
    """The device has the query no more: its rows go, and what they were stays until it is old."""
    table = inventory_state.c
    connection.execute(delete(inventory_state).where(
        table.tenant == item.tenant, table.device == item.device, table.kind == kept.table))


def tell(connection: Connection, item: Received, kept: Kept, turn: Turn) -> None:
    """Note the event, and keep the history within its bound."""
    came = sorted(turn.after.keys() - turn.before.keys())
    went = sorted(turn.before.keys() - turn.after.keys())
    if not came and not went:
        return
    shown = {*(turn.after[key] for key in came[:SHOWN]), *(turn.before[key] for key in went[:SHOWN])}
    bodies = bodies_of(connection, item.tenant, shown)
    name = kept.table.removeprefix(OF_QUERY)
    data: dict[str, JsonValue] = {
        "query": name, "added": len(came), "removed": len(went),
        "rows_added": [dict(bodies.get(turn.after[key], {})) for key in came[:SHOWN]],
        "rows_removed": [dict(bodies.get(turn.before[key], {})) for key in went[:SHOWN]],
    }
    note(connection, item.tenant, turn.now, [Happening("query.changed", f"query:{name}", data, device=item.device)])
    _trim(connection, item, kept)


def _trim(connection: Connection, item: Received, kept: Kept) -> None:
    change = inventory_change.c
    mine = (change.tenant == item.tenant, change.device == item.device, change.kind == kept.table)
    last = connection.execute(
        select(change.at).where(*mine).order_by(change.at.desc()).offset(MOST_CHANGES).limit(1)).scalar()
    if last is not None:
        connection.execute(delete(inventory_change).where(*mine, change.at <= last))


def _names(delta: InventoryDelta) -> tuple[str, ...]:
    names = tuple(plain(name, 64) for name in delta.columns)
    if len(set(names)) != len(names):
        raise InputInvalid("a query has two columns of one name")
    return names
