"""What devices say of their inventory, as it is stored: deltas in a chain, what changed, and what does not fit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from sqlalchemy import Connection, func, select

from guru_policy.errors import InputInvalid
from guru_policy.query.kept import KEPT_BY_NAME, Value
from guru_server.gateway.items import Received
from guru_server.inventory import forgetting, reading
from guru_server.inventory.recording import recorder, wanted
from guru_server.inventory.tables import inventory_item
from guru_server.store.database import Database
from guru_wire.inventory import InventoryDelta

ResultT = TypeVar("ResultT")
T, HOUR = 1_690_000_000_000, 3_600_000
PACKAGES = KEPT_BY_NAME["packages"]
CURL, CURL_NEW = ("curl", "7.1", "amd64", "apt"), ("curl", "7.2", "amd64", "apt")
BASH, GIT = ("bash", "5.2", "amd64", "apt"), ("git", "2.4", "amd64", "apt")


def name_of(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest() if state else ""


def said(
    basis: str, state: str, rows: Sequence[Sequence[Value]], removed: Sequence[Sequence[Value]] = (), *, at: int = T,
    device: str = "d1", tenant: str = "main", table: str = "packages", columns: Sequence[str] = (),
) -> Received:
    """A delta from one named state to another."""
    kept = KEPT_BY_NAME.get(table, PACKAGES)
    body = InventoryDelta(
        table=table, at=at, basis=name_of(basis), digest=name_of(state), columns=tuple(columns or kept.columns),
        rows=tuple(map(tuple, rows)), removed=tuple(map(kept.key_of, removed)),
    )
    return Received(tenant, device, 1, body.model_dump(mode="json"))


class Store:
    """A database that takes deltas in, one transaction each."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def hear(self, *items: Received, now: int = T + HOUR) -> None:
        for item in items:
            handle = self.db.of(item.tenant)
            await handle.write(lambda connection, item=item: recorder(lambda: now)(connection, [item]))

    async def ask(self, work: Callable[[Connection], ResultT]) -> ResultT:
        return await self.db.read(work)

    async def rows(self, device: str = "d1", table: str = "packages") -> list[tuple[Value, ...]]:
        found = await self.ask(lambda connection: reading.rows_of(connection, "main", device, table))
        return [tuple(one.row.values()) for one in found]

    async def changes(self, device: str = "d1") -> list[tuple[str, str]]:
        found = await self.ask(lambda connection: reading.changes(connection, "main", device))
        return [(one.change, one.name) for one in found.rows]

    async def wanted(self, device: str = "d1") -> bool:
        return await self.ask(lambda connection: wanted(connection, "main", device))


@pytest.fixture
def store(db: Database) -> Store:
    return Store(db)


async def test_what_was_there_from_the_beginning_is_no_change_and_what_comes_later_is(store: Store) -> None:
    await store.hear(said("", "a", [CURL, BASH]))
    assert await store.changes() == []
    await store.hear(
        said("a", "b", [CURL_NEW, GIT], at=T + 1), said("b", "c", [], [BASH], at=T + 2),
    )

    assert await store.rows() == [("amd64", "apt", "curl", "7.2"), ("amd64", "apt", "git", "2.4")]
    assert await store.changes() == [
        ("removed", "bash amd64 apt"), ("changed", "curl amd64 apt"), ("added", "git amd64 apt"),
    ]
    held = await store.ask(lambda connection: reading.rows_of(connection, "main", "d1", "packages"))
    assert [one.since for one in held] == [T + 1, T + 1]


async def test_a_delta_that_does_not_fit_changes_nothing_and_everything_is_asked_for(store: Store) -> None:
    assert await store.wanted()         # it never told anything
    await store.hear(said("", "a", [CURL]))
    assert not await store.wanted()
    await store.hear(said("lost", "c", [GIT]))

    assert await store.rows() == [("amd64", "apt", "curl", "7.1")]
    assert await store.wanted()
    await store.hear(said("c", "d", [BASH]))            # and nothing fits until then
    assert await store.rows() == [("amd64", "apt", "curl", "7.1")]

    await store.hear(said("", "e", [CURL, GIT, BASH], at=T + 9))
    assert not await store.wanted()
    assert await store.changes() == [("added", "bash amd64 apt"), ("added", "git amd64 apt")]


async def test_a_row_that_many_devices_have_is_kept_once_and_never_shared_between_tenants(store: Store) -> None:
    await store.hear(*(said("", "a", [CURL, BASH], device=f"d{number}") for number in range(5)))
    await store.hear(said("", "a", [CURL], device="d0", tenant="other"))

    async def kept(tenant: str) -> int | None:
        count = select(func.count()).where(inventory_item.c.tenant == tenant)
        return await store.db.of(tenant).read(lambda connection: connection.execute(count).scalar())

    assert (await kept("main"), await kept("other")) == (2, 1)


async def test_a_repeated_delta_and_a_clock_in_the_future_are_harmless(store: Store) -> None:
    await store.hear(said("", "a", [CURL]), said("a", "b", [GIT], at=T * 2))
    await store.hear(said("a", "b", [GIT], at=T * 2))

    found = await store.ask(lambda connection: reading.changes(connection, "main", "d1"))
    assert [(one.at, one.name) for one in found.rows] == [(T + HOUR, "git amd64 apt")]
    assert await store.wanted()         # the second did not fit: it is asked for, not guessed at


async def test_columns_may_come_in_another_order_and_with_more_beside_them(store: Store) -> None:
    columns = ("section", "manager", "version", "name", "arch")
    await store.hear(said("", "a", [("web", "apt", "7.1", "curl", "amd64")], columns=columns))

    assert await store.rows() == [("amd64", "apt", "curl", "7.1")]


@pytest.mark.parametrize(("columns", "row"), [
    (("name", "version"), ("curl", "7.1")), (PACKAGES.columns, ("curl", "7.1")),
])
async def test_rows_that_lack_something_are_refused(
    store: Store, columns: tuple[str, ...], row: tuple[str, ...]
) -> None:
    with pytest.raises(InputInvalid):
        await store.hear(said("", "a", [row], columns=columns))
    assert await store.rows() == []


async def test_a_table_that_this_server_does_not_know_is_passed_over(store: Store) -> None:
    await store.hear(said("", "a", [CURL], table="holograms"))

    assert await store.ask(lambda connection: reading.tables_of(connection, "main", "d1")) == ()


async def test_texts_are_plain_and_short_and_numbers_fit(store: Store) -> None:
    await store.hear(said("", "a", [("cu\x1b[31mrl\u202e", "v" * 5000, "amd64", "apt")]))
    await store.hear(said("", "a", [("sda", "disk", 1 << 80, None, None, "S1", None, None, None)], table="disks"))

    [(_, _, name, version)] = await store.rows()
    assert (name, len(str(version))) == ("cu [31mrl ", 400)
    assert await store.rows(table="disks") == [("sda", "S1", "disk")]


async def test_who_is_logged_in_is_kept_without_a_history(store: Store) -> None:
    await store.hear(said("", "a", [("ada", "tty1", "")], table="logged_in"))
    await store.hear(said("a", "b", [("bob", "tty2", "")], [("ada", "tty1", "")], table="logged_in"))

    assert await store.rows(table="logged_in") == [("", "tty2", "bob")]
    assert await store.changes() == []


async def test_rows_that_nobody_has_are_let_go_and_those_of_the_history_are_not(store: Store) -> None:
    await store.hear(said("", "a", [CURL, BASH]), said("a", "b", [CURL_NEW], at=T + 5))
    await store.hear(said("", "a", [GIT], device="d2"), said("", "b", [BASH], device="d2"), now=T + 2 * HOUR)

    async def let_go() -> int:
        unused = await store.db.read(forgetting.unused)
        now = T + 9 * HOUR
        return await store.db.write(lambda connection: forgetting.let_go(connection, unused, now=now))

    assert await let_go() == 0          # curl 7.1 and git are gone, and changes name them
    await store.db.write(lambda connection: forgetting.forget_changes(connection, T + 8 * HOUR))
    assert await let_go() == 2
    assert await store.rows("d2") == [("amd64", "apt", "bash", "5.2")]
    assert await store.changes() == []


async def test_a_row_that_comes_back_while_it_is_being_let_go_stays(store: Store) -> None:
    await store.hear(said("", "a", [CURL, BASH]), said("a", "b", [], [BASH]))
    await store.db.write(lambda connection: forgetting.forget_changes(connection, T + 8 * HOUR))
    unused = await store.db.read(forgetting.unused)
    await store.hear(said("b", "c", [BASH]), now=T + 9 * HOUR)

    gone = await store.db.write(lambda connection: forgetting.let_go(connection, unused, now=T + 9 * HOUR))
    assert gone == 0
    assert [row[2] for row in await store.rows()] == ["bash", "curl"]
