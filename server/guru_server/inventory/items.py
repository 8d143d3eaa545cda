"""Rows of the inventory by the number of their content: kept once, packed as lists. It knows no device."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select, text

from guru_policy.query.kept import MOST_KEY, MOST_TEXT, TEXT_OF_QUERY, Kept, Value, content_of, settled
from guru_server.gateway.plain import plain
from guru_server.inventory.tables import inventory_item

_SLICE = 500                            # numbers in one statement
_LOCK = 0x67757275_69746D               # of PostgreSQL's advisory locks: items are not let go while they are looked up

Body = dict[str, str | int | float]


class Item(NamedTuple):
    """A row; `number` is made of its table and content, the same for every device and tenant."""

    number: int
    key: str
    name: str
    body: str                           # JSON


def item_of(kept: Kept, row: Sequence[Value]) -> Item:
    """The row as it is kept: its texts plain and short."""
    clean = [settled(value, MOST_TEXT if kept.key else TEXT_OF_QUERY) for value in row]
    written = content_of(kept.columns, clean)
    name = dict(zip(kept.columns, clean, strict=True))[kept.key[0]] if kept.key else None
    digest = hashlib.sha256(kept.table.encode() + b"\n" + written).digest()
    key = plain(kept.key_of(clean), MOST_KEY)
    return Item(int.from_bytes(digest[:8], "little", signed=True), key,
                "" if name is None else str(name).lower()[:200], written.decode())


def packed(numbers: Iterable[int]) -> bytes:
    """A list of numbers as it is stored."""
    found = array("q", sorted(numbers))
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def unpacked(stored: bytes) -> array[int]:
    """The numbers in a stored list."""
    found = array("q")
    found.frombytes(stored)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def keep_items(connection: Connection, tenant: str, kept: Kept, items: Mapping[int, Item], now: int) -> None:
    """Keep those that are not there yet."""
    guard(connection, shared=True)
    table = inventory_item.c
    numbers = sorted(items)
    there: set[int] = set()
    for some in sliced(numbers):
        query = select(table.id).where(table.tenant == tenant, table.id.in_(some))
        there.update(connection.execute(query).scalars())
    rows = [{"tenant": tenant, "id": number, "kind": kept.table, "key": items[number].key, "name": items[number].name,
             "body": items[number].body, "at": now} for number in numbers if number not in there]
    if rows:
        connection.execute(text(
            "INSERT INTO inventory_item (tenant, id, kind, key, name, body, made_at)"
            " VALUES (:tenant, :id, :kind, :key, :name, :body, :at) ON CONFLICT DO NOTHING"
        ), rows)


def keys_of(connection: Connection, tenant: str, numbers: Collection[int]) -> dict[str, int]:
    """The key of each item that is there, with its number."""
    table, found = inventory_item.c, dict[str, int]()
    for some in sliced(sorted(numbers)):
        query = select(table.key, table.id).where(table.tenant == tenant, table.id.in_(some))
        found |= {row.key: row.id for row in connection.execute(query)}
    return found


def bodies_of(connection: Connection, tenant: str, numbers: Collection[int]) -> dict[int, Body]:
    """What is in each item that is there."""
    table, found = inventory_item.c, dict[int, Body]()
    for some in sliced(sorted(numbers)):
        query = select(table.id, table.body).where(table.tenant == tenant, table.id.in_(some))
        found |= {row.id: orjson.loads(row.body) for row in connection.execute(query)}
    return found


def guard(connection: Connection, *, shared: bool) -> None:
    """Until the end of the transaction: nobody lets items go (shared), or nobody else looks any up."""
    if connection.dialect.name == "postgresql":
        how = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {how}(:number)"), {"number": _LOCK})


def sliced(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """The numbers in lists that fit into a statement."""
    for start in range(0, len(numbers), _SLICE):
        yield numbers[start : start + _SLICE]
