"""What no manifest names any more leaves the database after an hour, and nothing else does."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, select

from guru_policy.errors import Conflict
from guru_server.leases import Fence, Lease
from guru_server.reconcile.downlink import blob_of
from guru_server.reconcile.leftovers import AT_ONCE, GRACE, Leftovers
from guru_server.reconcile.tables import blob, bundle
from guru_server.store.schema import TENANT
from tests.server.reconcile.conftest import World, motd, policy


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def leftovers(world: World, hand: Hand) -> Leftovers:
    return Leftovers(world.db, TENANT, world.reconciler.lock, clock=hand)


async def digests(world: World, table: Table) -> set[str]:
    return set(await world.db.read(lambda connection: connection.execute(select(table.c.digest)).scalars().all()))


async def test_a_bundle_is_forgotten_an_hour_after_the_last_manifest_let_go_of_it(world: World) -> None:
    await world.push("first")
    old = await digests(world, bundle)
    await world.push("second", {"customers/acme/base.yaml": motd("base", "acme 2")})
    hand = Hand()
    forgetting = leftovers(world, hand)

    assert await forgetting.forget(None) == 0
    hand.now += GRACE - 1
    assert await forgetting.forget(None) == 0
    hand.now += 1
    assert await forgetting.forget(None) == 1

    left = await digests(world, bundle)
    assert left == {named for _, named in (await world.bundles()).values()}
    assert len(old - left) == 1


async def test_what_is_named_again_within_the_hour_begins_to_count_anew(world: World) -> None:
    await world.push("first")
    before = await digests(world, bundle)
    hand = Hand()
    forgetting = leftovers(world, hand)
    await world.push("away", {"customers/acme/base.yaml": motd("base", "acme 2")})
    await forgetting.forget(None)
    await world.push("back", {"customers/acme/base.yaml": motd("base", "acme 1")})
    hand.now += GRACE / 2
    await forgetting.forget(None)
    await world.push("away again", {"customers/acme/base.yaml": motd("base", "acme 3")})
    await forgetting.forget(None)
    hand.now += GRACE / 2

    await forgetting.forget(None)

    assert before <= await digests(world, bundle)


async def test_a_file_of_the_repository_is_forgotten_like_the_bundle_that_carried_it(world: World) -> None:
    carried = policy("base", "  resources:\n    motd: {kind: file, path: /etc/motd, source: customers/acme/motd.txt}")
    await world.push("with a file", {
        "customers/acme/base.yaml": carried, "customers/acme/motd.txt": "from the repository\n",
    })
    (digest,) = await digests(world, blob)
    hand = Hand()
    forgetting = leftovers(world, hand)
    await forgetting.forget(None)
    hand.now += 2 * GRACE
    assert await forgetting.forget(None) == 0
    await world.push("without", {"customers/acme/base.yaml": motd("base", "x"), "customers/acme/motd.txt": None})
    await forgetting.forget(None)
    hand.now += GRACE

    assert await forgetting.forget(None) == 2

    assert await world.db.read(lambda connection: blob_of(connection, TENANT, digest)) is None


async def test_many_leftovers_go_a_few_at_a_time(world: World) -> None:
    many = AT_ONCE + 10
    await world.push("first")
    await world.db.write(lambda connection: connection.execute(
        bundle.insert(), [{"tenant": TENANT, "digest": f"{n:064x}", "data": b"x"} for n in range(many)]
    ))
    hand = Hand()
    forgetting = leftovers(world, hand)
    await forgetting.forget(None)
    hand.now += GRACE

    assert await forgetting.forget(None) == many

    assert len(await digests(world, bundle)) == 2


async def test_a_server_that_lost_its_lease_forgets_nothing(world: World) -> None:
    await world.push("first")
    await world.push("second", {"customers/acme/base.yaml": motd("base", "acme 2")})
    kept = await digests(world, bundle)
    lease = Lease(world.db, "reconcile", "one")
    fence = await lease.acquire()
    assert fence is not None
    hand = Hand()
    forgetting = leftovers(world, hand)
    await forgetting.forget(fence)
    hand.now += GRACE

    with pytest.raises(Conflict, match="went to another server"):
        await forgetting.forget(Fence(fence.name, fence.number - 1))

    assert await digests(world, bundle) == kept
