"""A plan shows every override in force, what it hides of a change, and whether it would still fit."""

from __future__ import annotations

import pytest

from guru_policy.errors import Conflict
from guru_server.reconcile.applying_plans import apply_plan
from guru_server.reconcile.plan import Planner
from guru_wire.operator import Plan, PlanRequest
from tests.server.overrides.conftest import CHECKS, HOUR, Hand, eyes
from tests.server.reconcile.conftest import World, ident, motd, policy

ACME, BOLT = "acme/hq/web1", "bolt/hq/web1"
MINE = f"id={ident(ACME)}"
STRICTER = {"org/checks.yaml": CHECKS["org/checks.yaml"].replace("85%", "70%")}


async def plan(world: World, revision: str | None, **more: object) -> Plan:
    await world.mirror.fetch()
    request = PlanRequest(revision=revision, **more)  # type: ignore[arg-type]  # fields of the request
    return await Planner(world.db, world.reconciler, world.clock).plan(request)


async def test_a_change_that_one_hides_is_told_and_the_others_get_it(world: World, hand: Hand) -> None:
    await hand.set(MINE, checks__disk__warning="80%")
    tip = world.remote.push("Stricter", STRICTER)
    shown = await plan(world, tip)
    done = await world.sync()

    (row,) = shown.overrides
    (hidden,) = row.masks
    assert [change.device for change in shown.devices] == [ident(BOLT)]
    assert (shown.affected, done.devices_changed, shown.overridden) == (1, 1, 1)
    assert (row.affected, row.path, row.unfit) == (False, "checks.disk.warning", "")
    assert (hidden.path, hidden.before, hidden.after, hidden.why) == (
        "checks.disk.warning", 85.0, 70.0, "org/checks.yaml:6")


async def test_one_beside_the_change_is_told_with_its_device(world: World, hand: Hand) -> None:
    await hand.set(f"id={ident(BOLT)}", checks__cpu={"$remove": True})
    await hand.set(MINE, checks__disk__warning="80%")
    tip = world.remote.push("Change acme", {"customers/acme/base.yaml": motd("base", "acme 2")})

    shown = await plan(world, tip)

    assert [(row.customer, row.affected, row.masks) for row in shown.overrides] == [
        ("acme", True, ()), ("bolt", False, ())]


async def test_one_that_would_not_fit_any_more_is_told_before(world: World, hand: Hand) -> None:
    await hand.set(MINE, checks__disk__warning="80%")
    tip = world.remote.push("Lock", {"org/lock.yaml": policy("lock", "  enforced: [checks.disk]")})
    shown = await plan(world, tip)
    await world.sync()

    (row,) = shown.overrides
    (change,) = shown.devices
    assert "enforced by org/lock.yaml" in row.unfit
    assert (change.device, change.fields[0].after, change.fields[0].why) == (ident(ACME), 85.0, "org/checks.yaml:6")
    assert (await hand.rows())[0].unfit == row.unfit


async def test_the_mode_hides_whether_a_resource_is_observed(world: World, hand: Hand) -> None:
    await hand.set(MINE, mode="enforce")
    observed = motd("base", "acme 1").replace("spec:", "spec:\n  mode: observe")
    tip = world.remote.push("Observe", {"customers/acme/base.yaml": observed})

    (row,) = (await plan(world, tip)).overrides

    assert [(one.path, one.after) for one in row.masks] == [("resources.motd.observe", True)]


async def test_against_another_commit_both_sides_have_them(world: World, hand: Hand) -> None:
    first = world.remote.head()
    await hand.set(MINE, checks__disk__warning="80%")
    tip = world.remote.push("Stricter", STRICTER)

    shown = await plan(world, tip, against=first)

    assert [change.device for change in shown.devices] == [ident(BOLT)]
    assert [one.after for one in shown.overrides[0].masks] == [70.0]


@pytest.mark.parametrize("moved", ["set", "ended", "removed"])
async def test_a_kept_plan_is_stale_once_one_changed_what_a_device_has(world: World, hand: Hand, moved: str) -> None:
    rows = [] if moved == "set" else await hand.set(MINE, checks__disk__warning="80%")
    tip = world.remote.push("Change acme", {"customers/acme/base.yaml": motd("base", "acme 2")})
    kept = (await plan(world, tip, exact=True)).exact
    assert kept is not None
    if moved == "set":
        await hand.set(MINE, checks__disk__warning="80%")
    elif moved == "ended":
        world.clock.forward(HOUR * 1000)
    else:
        await hand.overrider.remove(rows[0].id, None, None, "ada", await eyes("ada"))

    with pytest.raises(Conflict, match="inventory moved: web1"):
        await apply_plan(world.reconciler, kept, "ci", None)
