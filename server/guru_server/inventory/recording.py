"""Stores what devices say of their inventory. A delta that does not fit is not guessed at: all of it is asked for.

A device can lie about itself and about nothing else: rows are kept under a number made of their content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from guru_policy.errors import InputInvalid
from guru_policy.query.kept import KEPT_BY_NAME, MOST_ROWS, OF_QUERY, Kept
from guru_server.gateway.items import Received
from guru_server.inventory import queries
from guru_server.inventory.items import Item, item_of, keep_items, keys_of, packed, unpacked
from guru_server.inventory.tables import inventory_state
from guru_wire.inventory import InventoryDelta

_WRITE = text(
    "INSERT INTO inventory_state (tenant, device, kind, at, changed_at, since, digest, stale, cut, count, numbers,"
    " columns, about, problem)"
    " VALUES (:tenant, :device, :kind, :at, :changed_at, :since, :digest, :stale, :cut, :count, :numbers,"
    " :columns, :about, :problem)"
    " ON CONFLICT (tenant, device, kind) DO UPDATE SET at = excluded.at, changed_at = excluded.changed_at,"
    " digest = excluded.digest, stale = excluded.stale, cut = excluded.cut, count = excluded.count,"
    " numbers = excluded.numbers, since = excluded.since, columns = excluded.columns, about = excluded.about,"
    " problem = excluded.problem"
)
_CHANGE = text(
    "INSERT INTO inventory_change (tenant, device, at, kind, key, before, after)"
    " VALUES (:tenant, :device, :at, :kind, :key, :before, :after)"
    " ON CONFLICT (tenant, device, at, kind, key) DO UPDATE SET after = excluded.after"
)


class State(NamedTuple):
    """A device's table as it is stored; `since` ms UTC."""

    digest: str
    stale: bool
    since: int
    numbers: bytes
    cut: bool = False
    columns: str = ""
    about: str = ""
    problem: str = ""


def recorder(now: Callable[[], int]) -> Callable[[Connection, Sequence[Received]], Mapping[str, set[str]]]:
    """The Recorder of the kind `inventory`; it changes no bus topic."""

    def record(connection: Connection, items: Sequence[Received]) -> Mapping[str, set[str]]:
        for item in sorted(items, key=lambda one: (one.tenant, one.device, one.seq)):
            _take(connection, item, InventoryDelta.model_validate(item.body), now())
        return {}

    return record


def wanted(connection: Connection, tenant: str, device: str) -> bool:
    """Whether the device is to report everything anew: it never did, or something did not fit."""
    table = inventory_state.c
    query = select(table.stale).where(table.tenant == tenant, table.device == device)
    stale = connection.execute(query).scalars().all()
    return not stale or any(stale)


def _take(connection: Connection, item: Received, delta: InventoryDelta, now: int) -> None:
    of_query = delta.table.startswith(OF_QUERY)
    kept = queries.kept_of(delta) if of_query else KEPT_BY_NAME.get(delta.table)
    if kept is None:
        return                          # of a newer agent: nothing here could show it
    before = _state(connection, item, kept)
    if of_query and delta.gone:
        queries.forget(connection, item, kept)
        return
    if of_query and before is None:
        queries.make_room(connection, item)
    if before and before.about != delta.about:
        before = before._replace(since=0)       # the answer to another question: nothing of it came or went
    if delta.basis and (before is None or before.stale or before.digest != delta.basis):
        _write(connection, item, kept, before or State("", False, 0, b""), at=now, stale=True)
        return
    known = keys_of(connection, item.tenant, unpacked(before.numbers)) if before else {}
    coming = _coming(kept, delta)
    unseen = bool(delta.problem) and not delta.basis            # the rows stand as they were
    gone = known.keys() - coming.keys() if not delta.basis else known.keys() & set(delta.removed)
    gone = set() if unseen else gone
    after = {key: number for key, number in known.items() if key not in gone}
    after |= {key: one.number for key, one in coming.items()}
    most = queries.MOST_ROWS if of_query else MOST_ROWS
    if len(after) > most:
        raise InputInvalid(f"a device keeps {most} rows of {kept.table} at most")
    keep_items(connection, item.tenant, kept, {one.number: one for one in coming.values()}, now)
    at = min(max(delta.at, 0), now)
    if before and before.since and kept.history:
        _note(connection, item, kept, known, after, at)
        if of_query:
            queries.tell(connection, item, kept, queries.Turn(known, after, at, now))
    since = before.since if before and before.since else 0 if delta.problem else at
    digest = delta.digest if not unseen else before.digest if before else ""
    state = State(digest, False, since, packed(after.values()), delta.cut)
    if of_query:
        told = queries.columns_of(delta) if delta.columns or before is None else before.columns
        state = state._replace(columns=told, about=delta.about, problem=queries.problem_of(delta))
    _write(connection, item, kept, state, at=at, stale=False, changed_at=now)


def _state(connection: Connection, item: Received, kept: Kept) -> State | None:
    table = inventory_state.c
    query = select(
        table.digest, table.stale, table.since, table.numbers, table.cut, table.columns, table.about, table.problem,
    ).where(
        table.tenant == item.tenant, table.device == item.device, table.kind == kept.table)
    row = connection.execute(query.with_for_update()).first()
    return State(*row) if row else None


def _coming(kept: Kept, delta: InventoryDelta) -> dict[str, Item]:
    """The rows of a delta in the order of our own columns, by key; InputInvalid for one that lacks some."""
    try:
        places = [delta.columns.index(name) for name in kept.columns]
    except ValueError as cause:
        raise InputInvalid(f"rows of {kept.table} lack a column") from cause
    found = {}
    for row in delta.rows:
        if len(row) != len(delta.columns):
            raise InputInvalid(f"a row of {kept.table} has too many or too few values")
        one = item_of(kept, [row[place] for place in places])
        found[one.key] = one
    return found


def _note(
    connection: Connection, item: Received, kept: Kept, before: Mapping[str, int], after: Mapping[str, int], at: int
) -> None:
    rows = [
        {"tenant": item.tenant, "device": item.device, "at": at, "kind": kept.table, "key": key,
         "before": before.get(key), "after": after.get(key)}
        for key in sorted({*before, *after}) if before.get(key) != after.get(key)
    ]
    if rows:
        connection.execute(_CHANGE, rows)


def _write(
    connection: Connection, item: Received, kept: Kept, state: State, *, at: int, stale: bool, changed_at: int = 0
) -> None:
    connection.execute(_WRITE, {
        "tenant": item.tenant, "device": item.device, "kind": kept.table, "at": at, "changed_at": changed_at or at,
        "since": state.since, "digest": state.digest, "stale": stale, "cut": state.cut,
        "count": len(state.numbers) // 8,
        "numbers": state.numbers, "columns": state.columns, "about": state.about, "problem": state.problem,
    })
