"""What is overridden reaches the device, is kept with who and why, and goes back at its end."""

from __future__ import annotations

import asyncio
import shutil

import orjson
import pytest
from sqlalchemy import select

from guru_policy.errors import Conflict, InputInvalid, NotFound, Refused
from guru_server.audit.tables import audit
from guru_server.leases import Lease
from guru_server.overrides.store import forget_ended
from guru_server.reconcile.downlink import blob_of
from guru_server.reconcile.drifting import drift
from guru_server.reconcile.explain import explained
from guru_server.reconcile.rolling_back import roll_back
from guru_server.reconcile.status import device_conditions
from guru_server.store.schema import TENANT
from guru_wire.overriding import OverrideRequest
from guru_wire.planning import RollbackRequest
from tests.server.overrides.conftest import HOUR, Hand, eyes
from tests.server.reconcile.conftest import World, ident, motd, named, policy

ACME, BOLT = "acme/hq/web1", "bolt/hq/web1"
MINE = f"id={ident(ACME)}"


async def check(world: World, full: str, name: str = "disk") -> dict[str, object]:
    """The spec of a check in the device's manifest."""
    manifest = await world.manifest(full)
    assert manifest is not None
    data = await world.db.read(lambda connection: blob_of(connection, TENANT, manifest.bundle))
    assert data is not None
    found: dict[str, object] = next(one["spec"] for one in orjson.loads(data)["checks"] if one["id"] == name)
    return found


async def notes(world: World) -> list[tuple[str, str, str]]:
    query = select(audit.c.actor, audit.c.action, audit.c.object).order_by(audit.c.seq)
    rows = await world.db.read(lambda connection: connection.execute(query).all())
    return [tuple(row) for row in rows if row.action.startswith("Override")]


async def test_a_value_is_in_force_on_that_device_only_and_says_who_set_it(world: World, hand: Hand) -> None:
    before = await world.bundles()
    (row,) = await hand.set(MINE, checks__disk__warning="80%")
    after = await world.bundles()

    assert (await check(world, ACME))["warning"] == 80.0
    assert after[ident(ACME)][0] == before[ident(ACME)][0] + 1
    assert after[ident(BOLT)] == before[ident(BOLT)]
    assert (row.path, row.value, row.actor, row.reason, row.name) == (
        "checks.disk.warning", "80%", "ada", "archive", "web1")
    assert row.expires_at == world.clock() + HOUR * 1000
    assert await notes(world) == [("person:ada", "OverrideSet", f"device:{ident(ACME)}")]


async def test_it_ends_by_itself_and_the_device_goes_back(world: World, hand: Hand) -> None:
    before = await world.bundles()
    await hand.set(MINE, ttl=60, checks__disk__warning="80%")
    world.clock.forward(59_999)
    soon = await world.reconciler.expire()
    assert (await check(world, ACME))["warning"] == 80.0
    world.clock.forward(1)
    later = await world.reconciler.expire()

    assert (soon, later) == (world.clock(), None)
    assert (await world.bundles())[ident(ACME)] == (before[ident(ACME)][0] + 2, before[ident(ACME)][1])
    assert await notes(world) == [
        ("person:ada", "OverrideSet", f"device:{ident(ACME)}"), ("server", "OverrideExpired", f"device:{ident(ACME)}")]
    assert [one.ending for one in await hand.rows(ended=True)] == ["expired"]
    assert await hand.rows() == []


async def test_a_server_that_was_down_at_its_end_finds_it_over(world: World, hand: Hand) -> None:
    before = await world.bundles()
    await hand.set(MINE, checks__disk__warning="80%")
    world.clock.forward(HOUR * 1000)
    await world.another().refresh(None)

    assert (await world.bundles())[ident(ACME)][1] == before[ident(ACME)][1]
    assert [one.ending for one in await hand.rows(ended=True)] == ["expired"]


async def test_a_clock_that_goes_back_makes_it_no_longer(world: World, hand: Hand) -> None:
    before = await world.bundles()
    world.clock.forward(10 * HOUR * 1000)
    await hand.set(MINE, checks__disk__warning="80%")
    world.clock.forward(-9 * HOUR * 1000)
    await world.reconciler.refresh(None)
    back = await world.bundles()
    world.clock.forward(9 * HOUR * 1000)
    await world.reconciler.refresh(None)
    again = await check(world, ACME)
    world.clock.forward(HOUR * 1000)
    await world.reconciler.expire()
    world.clock.forward(-HOUR * 1000)
    await world.reconciler.refresh(None)

    assert back[ident(ACME)][1] == before[ident(ACME)][1]
    assert again["warning"] == 80.0
    assert (await world.bundles())[ident(ACME)][1] == before[ident(ACME)][1]


async def test_the_server_that_reconciles_does_it_at_once_and_ends_it_at_its_time(world: World, hand: Hand) -> None:
    before = await world.bundles()
    fence = await Lease(world.db, "reconcile", "one").acquire()
    assert fence is not None
    request = OverrideRequest(selector=MINE, values={"checks.disk.warning": "80%"}, ttl=60, reason="archive")
    await world.waiting()
    running = asyncio.create_task(hand.watch.run(fence))
    try:
        while not hand.watch.holding:
            await asyncio.sleep(0)
        await hand.overrider.set(request, "ada", await eyes("ada"))
        at_once = await check(world, ACME)
        told = await world.waiting()
        world.clock.forward(60_000)
        await world.bus.publish("overrides", [])
        later = await asyncio.wait_for(anext(world.published), 20)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert at_once["warning"] == 80.0
    assert told == later == {ident(ACME)}
    assert (await world.bundles())[ident(ACME)][1] == before[ident(ACME)][1]


async def test_another_server_hears_that_there_is_something_to_compile(world: World, hand: Hand) -> None:
    with world.bus.subscribe("overrides") as heard:
        await hand.set(MINE, checks__disk__warning="80%")

        assert await asyncio.wait_for(anext(heard), 5) == {ident(ACME)}


async def test_removing_ends_all_of_a_deed_or_one_path_of_one_device(world: World, hand: Hand) -> None:
    before = await world.bundles()
    rows = await hand.set("name=web1", most=2, checks__disk__warning="80%", checks__cpu={"$remove": True})
    assert len({row.id for row in rows}) == 1
    one = await hand.overrider.remove(rows[0].id, ident(ACME), "checks.cpu", "bob", await eyes("bob"))
    rest = await hand.overrider.remove(rows[0].id, None, None, "bob", await eyes("bob"))
    await world.reconciler.refresh(None)

    assert [(row.customer, row.path, row.ending) for row in one] == [("acme", "checks.cpu", "removed")]
    assert len(rest) == 3
    assert {name: bundle for name, (_, bundle) in (await world.bundles()).items()} == {
        name: bundle for name, (_, bundle) in before.items()}
    assert ("person:bob", "OverrideRemoved", f"device:{ident(BOLT)}") in await notes(world)
    with pytest.raises(NotFound, match="no override in force"):
        await hand.overrider.remove(rows[0].id, None, None, "bob", await eyes("bob"))


async def test_the_same_path_again_takes_the_place_of_the_former(world: World, hand: Hand) -> None:
    await hand.set(MINE, checks__disk__warning="80%")
    await hand.set(MINE, checks__disk__warning="70%")

    assert [row.value for row in await hand.rows()] == ["70%"]
    assert [row.ending for row in await hand.rows(ended=True)] == ["replaced"]
    assert (await check(world, ACME))["warning"] == 70.0


async def test_all_devices_get_it_or_none_does(world: World, hand: Hand) -> None:
    await world.push("Only acme", {"customers/acme/mem.yaml": policy("mem", "  checks: {mem: {kind: memory}}")})
    before = await world.bundles()

    with pytest.raises(InputInvalid, match="has no check `mem`"):
        await hand.set("name=web1", most=2, checks__mem__warning="80%")
    assert (await hand.rows(), await world.bundles()) == ([], before)


async def test_more_devices_than_allowed_are_refused_and_none_is_not_found(world: World, hand: Hand) -> None:
    with pytest.raises(Refused, match="matches 2 devices and 1 are allowed"):
        await hand.set("name=web1", checks__disk__warning="80%")
    with pytest.raises(NotFound, match="no device matches"):
        await hand.set("name=none", checks__disk__warning="80%")
    with pytest.raises(InputInvalid, match="needs a selector"):
        await hand.set(" ", checks__disk__warning="80%")
    assert await notes(world) == []


async def test_a_wrong_value_an_overlap_and_what_is_enforced_are_refused_and_nothing_is_kept(
    world: World, hand: Hand
) -> None:
    await world.push("Lock", {"customers/bolt/lock.yaml": policy("lock", "  enforced: [checks.disk]")})
    await hand.set(MINE, checks__disk__warning="80%")

    with pytest.raises(InputInvalid, match="is not a percentage"):
        await hand.set(MINE, checks__disk__critical="much")
    with pytest.raises(Conflict, match="is part of"):
        await hand.set(MINE, checks__disk={"warning": "70%"})
    with pytest.raises(Refused, match=r"customers/bolt/lock\.yaml:5:14"):
        await hand.set(f"id={ident(BOLT)}", checks__disk__warning="80%")
    assert len(await hand.rows()) == 1


async def test_the_repository_says_how_long_one_may_last(world: World, hand: Hand) -> None:
    fleet = named("Fleet", "fleet").replace("spec: {}", "spec: {limits: {maxOverride: 10m}}")
    await world.push("Shorter", {"fleet.yaml": fleet})

    with pytest.raises(Refused, match="may be in force for 600 s"):
        await hand.set(MINE, ttl=601, checks__disk__warning="80%")
    assert len(await hand.set(MINE, ttl=600, checks__disk__warning="80%")) == 1
    await world.push("None", {"fleet.yaml": fleet.replace("10m", "0s")})
    with pytest.raises(Refused, match="not allowed here"):
        await hand.set(MINE, ttl=10, checks__disk__warning="80%")


async def test_it_needs_no_git_and_stays_through_a_rollback(world: World, hand: Hand) -> None:
    await world.push("More", {"customers/acme/base.yaml": motd("base", "acme 2")})
    await asyncio.to_thread(shutil.rmtree, world.remote.bare)
    await hand.set(MINE, checks__disk__warning="80%")
    await roll_back(world.db, world.reconciler, RollbackRequest(reason="it broke"), "ada", None, world.clock)

    assert (await check(world, ACME))["warning"] == 80.0
    assert len(await hand.rows()) == 1


async def test_a_commit_that_enforces_the_path_comes_into_force_and_says_who_goes_without(
    world: World, hand: Hand
) -> None:
    await hand.set(MINE, checks__disk__warning="80%")
    done = await world.push("Lock", {"org/lock.yaml": policy("lock", "  enforced: [checks.disk]")})
    (locked,) = await hand.rows()
    spec = await check(world, ACME)
    conditions = await world.db.read(
        lambda connection: device_conditions(connection, TENANT, ident(ACME), world.clock()))
    await world.push("Unlock", {"org/lock.yaml": None})
    (free,) = await hand.rows()

    assert (done.outcome, spec["warning"]) == ("published", 85.0)
    assert "enforced by org/lock.yaml:5:14" in locked.unfit
    assert [(one.type, one.reason) for one in conditions] == [("Overridden", "OverridesUnfit")]
    assert free.unfit == ""
    assert (await check(world, ACME))["warning"] == 80.0


async def test_status_the_device_drift_and_explain_tell_of_it(world: World, hand: Hand) -> None:
    await hand.set(MINE, checks__disk__warning="80%")
    fleet = next(one for one in (await world.status()).conditions if one.type == "Overridden")
    (own,) = await world.db.read(
        lambda connection: device_conditions(connection, TENANT, ident(ACME), world.clock()))
    other = await world.db.read(
        lambda connection: device_conditions(connection, TENANT, ident(BOLT), world.clock()))
    told = await world.db.read(lambda connection: drift(connection, TENANT, 0, world.clock()))
    said = await explained(world.db, world.reconciler, ACME, "checks.disk.warning")

    assert (fleet.status, fleet.message.startswith("1 on web1; the first ends at 2023-")) == (True, True)
    assert own.message.startswith("checks.disk.warning by ada until 2023-")
    assert other == ()
    assert [one.path for one in told.overrides] == ["checks.disk.warning"]
    assert said.candidates[0].layer.startswith("override by ada until 2023-")
    world.clock.forward(HOUR * 1000)
    assert all(one.type != "Overridden" for one in (await world.status()).conditions)


async def test_a_sync_with_an_override_in_force_changes_nothing_twice(world: World, hand: Hand) -> None:
    await hand.set(MINE, checks__disk__warning="80%")
    before = await world.bundles()

    assert await world.reconciler.refresh(None) == 0
    assert (await world.sync()).devices_changed == 0
    assert await world.bundles() == before


async def test_those_that_ended_are_forgotten_when_they_are_old_and_those_in_force_never(
    world: World, hand: Hand
) -> None:
    await hand.set(MINE, ttl=60, checks__disk__warning="80%")
    world.clock.forward(60_000)
    await world.reconciler.expire()
    await hand.set(MINE, checks__cpu={"$remove": True})
    ended = world.clock()
    await world.db.write(lambda connection: forget_ended(connection, ended))
    kept = await hand.rows(ended=True)
    await world.db.write(lambda connection: forget_ended(connection, ended + 1))

    assert len(kept) == 1
    assert await hand.rows(ended=True) == []
    assert [row.path for row in await hand.rows()] == ["checks.cpu"]
