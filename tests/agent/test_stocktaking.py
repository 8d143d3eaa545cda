"""The inventory as the agent tells it: all of it once, then what changed; and again when that was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from guru_agent.clock import Clock
from guru_agent.sampling.deltas import ROOM, Row
from guru_agent.sampling.stocktaking import Stocktaking, looking
from guru_policy.query import BY_NAME
from guru_policy.query.kept import KEPT, KEPT_BY_NAME, MOST_ROWS, Kept
from guru_wire.inventory import InventoryDelta
from tests.agent.conftest import Parts
from tests.agent.link_server import until

CURL, BASH = ("curl", "7.1", "amd64", "apt"), ("bash", "5.2", "amd64", "apt")


class Machine:
    """Tables that a test sets; those that it does not name cannot be seen."""

    def __init__(self) -> None:
        self.tables: dict[str, Sequence[Row]] = {}
        self.looks = 0

    async def rows(self, kept: Kept) -> Sequence[Row] | None:
        self.looks += kept.table == "packages"
        return self.tables.get(kept.table)


class Teller:
    """What is told of a machine, look by look."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.machine = parts, Machine()
        self.stocktaking = Stocktaking(parts.store, parts.spool, Clock(), self.machine.rows, 3600, first=0, gap=0)

    async def look(self, *packages: Row) -> list[InventoryDelta]:
        self.machine.tables["packages"] = packages
        before = self.parts.spool.last
        await self.stocktaking.take()
        return [one for seq, one in self.waiting() if seq > before]

    def waiting(self) -> list[tuple[int, InventoryDelta]]:
        return [(item.seq, InventoryDelta.model_validate_json(item.body))
                for item in self.parts.spool.batch(1000, 1 << 26) if item.kind == "inventory"]


@pytest.fixture
def teller(parts: Parts) -> Teller:
    return Teller(parts)


def test_every_kept_column_is_one_of_its_table_and_names_its_rows() -> None:
    for kept in KEPT:
        known = {column.name for column in BY_NAME[kept.table].columns}
        assert set(kept.columns) <= known
        assert kept.key
        assert set(kept.key) <= set(kept.columns)


async def test_all_is_told_once_and_then_what_changed(teller: Teller) -> None:
    [whole] = await teller.look(CURL, BASH)
    assert (whole.basis, len(whole.rows)) == ("", 2)
    assert await teller.look(BASH, CURL) == []          # the order means nothing

    [delta] = await teller.look(("curl", "7.2", "amd64", "apt"))
    assert delta.basis == whole.digest
    assert delta.rows == (("curl", "7.2", "amd64", "apt"),)
    assert delta.removed == (KEPT_BY_NAME["packages"].key_of(BASH),)


async def test_an_empty_table_is_told_and_one_that_cannot_be_seen_is_not(teller: Teller) -> None:
    [delta] = await teller.look()
    assert (delta.table, delta.rows) == ("packages", ())


async def test_what_was_told_survives_a_restart(teller: Teller, parts: Parts) -> None:
    await teller.look(CURL)
    parts.spool.acknowledge(100)

    assert await Teller(parts).look(CURL) == []


async def test_a_server_that_lost_the_thread_is_told_everything_and_no_delta_twice(teller: Teller) -> None:
    await teller.look(CURL)
    await teller.look(CURL, BASH)
    teller.stocktaking.anew()

    assert teller.waiting() == []
    [whole] = await teller.look(CURL, BASH)
    assert (whole.basis, len(whole.rows)) == ("", 2)


async def test_what_costs_seconds_is_looked_at_once_an_hour_and_when_everything_is_wanted(teller: Teller) -> None:
    teller.machine.tables["updates"] = ()
    first = await teller.look(CURL)
    teller.machine.tables["updates"] = (("curl", "7.1", "7.2", "Debian", 0, "apt"),)
    second = await teller.look(CURL)
    teller.stocktaking.anew()
    third = await teller.look(CURL)

    assert ([one.table for one in first], second) == (["packages", "updates"], [])
    assert [(one.table, len(one.rows)) for one in third] == [("packages", 1), ("updates", 1)]


async def test_every_delta_is_kept_until_it_is_sent(teller: Teller) -> None:
    await teller.look(CURL)
    for state in ((CURL, BASH), (CURL,), (CURL, BASH), (CURL,)):
        await teller.look(*state)

    chain = [delta for _, delta in teller.waiting()]
    assert [one.basis for one in chain[1:]] == [one.digest for one in chain[:-1]]
    assert len(chain) == 5


async def test_a_spool_that_is_crowded_is_not_given_more(teller: Teller, parts: Parts) -> None:
    await teller.look(CURL)
    for number in range(40):
        parts.spool.add_result("report", b"x" * 500_000, same=str(number), subject=f"job {number}")
    assert parts.spool.crowded
    assert await teller.look(CURL, BASH) == []
    parts.spool.acknowledge(parts.spool.last)

    [delta] = await teller.look(CURL, BASH)
    assert delta.rows == (BASH,)


async def test_more_than_fits_is_cut_off_and_said_to_be(teller: Teller) -> None:
    many = [(f"package-{number:06}", "1", "amd64", "apt") for number in range(MOST_ROWS + 5)]
    [whole] = await teller.look(*many)
    assert whole.cut
    assert len(whole.model_dump_json()) < 2 * ROOM

    large = [(f"package-{number:06}", "9" * 300, "amd64", "apt") for number in range(5000)]
    [next_one] = await teller.look(*large)
    assert next_one.cut
    assert next_one.basis == ""         # all of it is less than what came and went
    assert len(next_one.model_dump_json()) < 2 * ROOM


async def test_escape_sequences_do_not_leave_the_machine(teller: Teller) -> None:
    [whole] = await teller.look(("cu\x1b[2Jrl", "7\n1", "amd64", "apt"))

    assert whole.rows == (("cu [2Jrl", "7 1", "amd64", "apt"),)


async def test_a_change_of_the_machine_is_looked_at_soon(teller: Teller) -> None:
    teller.machine.tables["packages"] = (CURL,)
    running = asyncio.create_task(teller.stocktaking.run())
    await until(lambda: teller.machine.looks == 1)
    teller.stocktaking.look()
    await until(lambda: teller.machine.looks == 2)

    assert len(teller.waiting()) == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_tables_of_this_machine_are_seen() -> None:
    look = looking(None)
    packages = await look(KEPT_BY_NAME["packages"])
    hardware = await look(KEPT_BY_NAME["hardware"])

    assert packages is not None
    assert "dpkg" in {row[0] for row in packages}
    assert hardware is not None
    assert len(hardware) == 1
