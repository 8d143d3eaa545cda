"""A saved plan comes into force exactly as it was shown, or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from guru_policy.errors import Conflict, NotFound, Refused
from guru_server.audit.tables import audit
from guru_server.reconcile.applying_plans import apply_plan
from guru_server.reconcile.plan import Planner
from guru_wire.operator import PlanRequest, SyncRequested
from guru_wire.planning import ExactPlan
from tests.server.reconcile.conftest import World, customer, ident, motd

ACME, BOLT = "acme/hq/web1", "bolt/hq/web1"
ACME_2 = {"customers/acme/base.yaml": motd("base", "acme 2")}


async def planned(world: World, revision: str) -> ExactPlan:
    await world.mirror.fetch()
    plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=revision, exact=True))
    assert plan.exact is not None
    return ExactPlan.model_validate_json(plan.exact.model_dump_json())


async def apply(world: World, plan: ExactPlan) -> SyncRequested:
    return await apply_plan(world.reconciler, plan, "ci", None)


async def test_what_was_planned_is_what_devices_get(world: World) -> None:
    await world.sync()
    plan = await planned(world, world.remote.push("Change", ACME_2))

    done = await apply(world, plan)

    bundles = await world.bundles()
    assert (done.outcome, done.devices_changed) == ("published", 1)
    assert plan.devices == {ident(ACME): (plan.devices[ident(ACME)][0], bundles[ident(ACME)][1])}
    noted = await world.db.read(lambda connection: connection.execute(
        select(audit.c.actor, audit.c.action, audit.c.result, audit.c.revision).order_by(audit.c.seq)).all())
    assert [tuple(row)[:3] for row in noted] == [
        ("author:Robin Ito", "RevisionPublished", "author Robin Ito; signature unchecked; 2 devices changed"),
        ("person:ci", "PlanApplied", "1 devices")]
    assert noted[1].revision == plan.target


async def test_the_first_commit_can_be_applied_from_nothing(world: World) -> None:
    plan = await planned(world, world.remote.head())

    assert (await apply(world, plan)).devices_changed == 2


async def test_a_moved_base_is_a_conflict_and_nothing_is_written(world: World) -> None:
    await world.sync()
    plan = await planned(world, world.remote.push("Change", ACME_2))
    await world.push("Another", {"customers/bolt/base.yaml": motd("base", "bolt 2")})
    before = await world.bundles()

    with pytest.raises(Conflict, match="was in force"):
        await apply(world, plan)
    assert await world.bundles() == before


async def test_a_new_device_is_a_conflict(world: World) -> None:
    await world.sync()
    plan = await planned(world, world.remote.push("Change", ACME_2))
    await world.enrol("acme/hq/web2")

    with pytest.raises(Conflict, match="inventory moved: web2"):
        await apply(world, plan)


async def test_a_device_that_would_get_something_else_is_a_conflict(world: World) -> None:
    await world.sync()
    aimed = {"customers/acme/linux.yaml": motd("linux", "for linux").replace(
        "spec:", "spec:\n  selector: fact/os=linux").replace("motd:", "other:")}
    plan = await planned(world, world.remote.push("Aim", {**ACME_2, **aimed}))
    await world.db.write(lambda connection: connection.execute(
        text("UPDATE device SET facts = '{\"os\": \"linux\"}' WHERE id = :id"), {"id": ident(ACME)}))

    with pytest.raises(Conflict, match="inventory moved: web1"):
        await apply(world, plan)


async def test_a_fact_that_changes_nothing_is_no_conflict(world: World) -> None:
    await world.sync()
    plan = await planned(world, world.remote.push("Change", ACME_2))
    await world.db.write(lambda connection: connection.execute(
        text("UPDATE device SET facts = '{\"uptime\": 5}' WHERE id = :id"), {"id": ident(ACME)}))

    assert (await apply(world, plan)).devices_changed == 1


async def test_applying_twice_does_nothing_more(world: World) -> None:
    await world.sync()
    plan = await planned(world, world.remote.push("Change", ACME_2))
    await apply(world, plan)
    before = await world.bundles()

    again = await apply(world, plan)

    assert (again.outcome, again.devices_changed) == ("published", 0)
    assert await world.bundles() == before


async def test_a_sync_that_was_first_counts_when_it_did_the_same(world: World) -> None:
    await world.sync()
    plan = await planned(world, world.remote.push("Change", ACME_2))
    await world.sync()

    assert "exactly as planned" in (await apply(world, plan)).reason


async def test_a_commit_beside_the_branch_is_refused(world: World) -> None:
    await world.sync()
    world.remote.write(ACME_2)
    world.remote.git("checkout", "--quiet", "-b", "side")
    world.remote.git("commit", "--quiet", "--all", "--message", "side")
    world.remote.git("push", "--quiet", "origin", "side")
    plan = await planned(world, world.remote.head())

    with pytest.raises(Refused, match="not on branch main"):
        await apply(world, plan)


async def test_an_older_commit_is_refused(world: World) -> None:
    first = (await world.sync()).revision
    await world.push("Change", ACME_2)
    plan = await planned(world, str(first))

    with pytest.raises(Refused, match="older"):
        await apply(world, plan)


async def test_a_plan_of_nowhere_is_not_found(world: World) -> None:
    done = await world.sync()
    plan = ExactPlan(base=done.revision, target="1" * 40, fleet="", outcome="published")

    with pytest.raises(NotFound):
        await apply(world, plan)


async def test_what_a_guard_refuses_cannot_be_planned_exactly(world: World) -> None:
    await world.sync()
    await world.push("A customer", customer("cedar"))
    tip = world.remote.push("Remove it", dict.fromkeys(customer("cedar")))
    await world.mirror.fetch()

    plan = await Planner(world.db, world.reconciler, world.clock).plan(PlanRequest(revision=tip, exact=True))

    assert plan.guards
    assert plan.exact is None


async def test_a_held_customer_is_part_of_the_promise(world: World) -> None:
    await world.sync()
    bad = {"customers/bolt/base.yaml": "kind: Polcy\n"}
    plan = await planned(world, world.remote.push("Mixed", {**ACME_2, **bad}))

    done = await apply(world, plan)

    assert (plan.outcome, done.outcome, done.devices_changed) == ("partly-held", "partly-held", 1)
    assert (await world.customer("bolt")).state == "Held"
