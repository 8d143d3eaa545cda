"""Leases: one server at a time, taken over from the silent, and fenced."""

from __future__ import annotations

import asyncio

import pytest

from guru_policy.errors import Conflict
from guru_server.leases import Fence, Lease, held
from guru_server.store.database import Database


class Hand:
    """A clock in seconds that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_only_one_of_two_servers_gets_it(db: Database) -> None:
    got = await asyncio.gather(*(Lease(db, "work", owner).acquire() for owner in ("a", "b", "c")))

    assert len([fence for fence in got if fence]) == 1


async def test_a_silent_holder_loses_it_after_ttl_and_is_fenced(db: Database) -> None:
    clock = Hand()
    old = await Lease(db, "work", "a").acquire()
    other = Lease(db, "work", "b", ttl=10, clock=clock)
    assert await other.acquire() is None
    clock.now = 9.9
    assert await other.acquire() is None
    clock.now = 10.0
    new = await other.acquire()

    assert old is not None
    assert new is not None
    assert new.number > old.number
    await db.write(lambda connection: held(connection, new))
    with pytest.raises(Conflict):
        await db.write(lambda connection: held(connection, old))
    assert not await Lease(db, "work", "a").renew(old)


async def test_a_holder_that_shows_life_keeps_it(db: Database) -> None:
    clock = Hand()
    holder = Lease(db, "work", "a")
    fence = await holder.acquire()
    assert fence is not None
    other = Lease(db, "work", "b", ttl=10, clock=clock)
    for _ in range(5):
        assert await other.acquire() is None
        assert await holder.renew(fence)
        clock.now += 9

    assert await other.acquire() is None


async def test_a_restarted_server_has_it_back_at_once(db: Database) -> None:
    first = await Lease(db, "work", "a").acquire()
    again = await Lease(db, "work", "a").acquire()

    assert first is not None
    assert again == Fence("work", first.number + 1)


async def test_work_is_cancelled_when_the_lease_is_lost(db: Database) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work(_: Fence) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    keeping = asyncio.create_task(Lease(db, "work", "a", ttl=0.5).keep(work))
    await asyncio.wait_for(started.wait(), 10)
    thief = await Lease(db, "work", "a").acquire()
    await asyncio.wait_for(ended.wait(), 10)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)

    assert thief is not None
